"""Answer runs: items are chosen when a run is made, a GPU child answers them, the answers come in exactly once."""

from pathlib import Path
from typing import TypedDict, Unpack

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from core.access import audit, require
from core.domain.files import hash_bytes, write_atomic
from core.domain.prompts import PROMPT_VERSION, question_messages
from core.domain.seeds import seed_of
from core.errors import InvalidInput
from core.gpu_runs import GpuRun, gpu_run
from core.jobs.context import JobContext
from core.models import Campaign
from core.specs import ITEMS_FILE, AnswerItem, AnswerSpec, Places, Sampling
from diagnostics.models import AnswerRun, Checkpoint, Item, RunItem
from diagnostics.services.ingest import answers_ingest
from diagnostics.services.item_choice import BankItem, items_choose

CHUNK = 500


class RunChoice(TypedDict):
    """What a run asks and how. A ``sampling`` that names no ``max_new_tokens`` gets the campaign's."""

    split: str
    items_a_skill: int
    sampling: Sampling
    label: str
    round_number: int


def answer_run_create(
    *, actor: User, campaign: Campaign, checkpoint: Checkpoint, **choice: Unpack[RunChoice]
) -> AnswerRun:
    """A run with its items and settings frozen; ``result["reused_items"]`` counts items of earlier rounds."""
    require(actor, "research", campaign)
    if checkpoint.campaign_id != campaign.pk:
        raise InvalidInput("checkpoint: it belongs to another campaign.", field="checkpoint")
    if checkpoint.is_elsewhere:
        raise InvalidInput("checkpoint: it has no folder here, only predictions.", field="checkpoint")
    split, round_number = choice["split"], choice["round_number"]
    chosen = items_choose(
        bank_items(campaign, split),
        seed=seed_of(campaign.seed, split),
        items_a_skill=choice["items_a_skill"],
        round_number=round_number,
    )
    if not chosen.item_ids:
        raise InvalidInput(f"There are no {split} items: import a benchmark first.", field="split")
    spec = spec_of(campaign, checkpoint, choice)
    with transaction.atomic():
        run = AnswerRun.objects.create(
            campaign=campaign,
            checkpoint=checkpoint,
            split=split,
            label=choice["label"],
            spec=spec,
            num_items=len(chosen.item_ids),
            num_answers=choice["sampling"].num_answers,
            result={"reused_items": chosen.num_reused},
        )
        rows = [RunItem(run=run, item_id=item, position=place) for place, item in enumerate(chosen.item_ids)]
        RunItem.objects.bulk_create(rows, batch_size=CHUNK)
        audit(actor, "answer_run.created", run, campaign=campaign, split=split, items=run.num_items)
    return run


def bank_items(campaign: Campaign, split: str) -> list[BankItem]:
    """What could be asked: items of benchmarks whose import is complete."""
    whole = Item.objects.filter(benchmark__campaign=campaign, benchmark__num_items__gt=0, split=split)
    rows = whole.values_list("id", "skill", "content_hash", "benchmark__name", "index")
    return [BankItem(*row) for row in rows.iterator(chunk_size=2000)]


def spec_of(campaign: Campaign, checkpoint: Checkpoint, choice: RunChoice) -> dict[str, object]:
    """The run's AnswerSpec as JSON, but for the places and the hash of its items, which are known when it starts."""
    engine, sampling = campaign.config.engine, choice["sampling"]
    if "max_new_tokens" not in sampling.model_fields_set:
        sampling = sampling.model_copy(update={"max_new_tokens": engine.max_new_tokens})
    return {
        "checkpoint_hash": checkpoint.content_hash,
        "seed": seed_of(campaign.seed, "answers", choice["split"], choice["round_number"]),
        "device": engine.device,
        "dtype": engine.dtype,
        "prompt_version": PROMPT_VERSION,
        "sampling": sampling.model_dump(mode="json"),
        "batch_size": engine.batch_size,
    }


def answer_run_execute(context: JobContext, run: AnswerRun) -> None:
    """Answer, store and grade what is missing; a complete run costs nothing. Safe to repeat after any kill."""
    if run.is_complete:
        return
    items = run_items(run)
    text = items_text(items)
    spec = AnswerSpec.model_validate({**run.spec, "items_hash": hash_bytes(text), "places": places_of(run)})
    with context.writing():
        AnswerRun.objects.filter(pk=run.pk).update(run_name=spec.run_name())

    def write_inputs(folder: Path) -> None:
        write_atomic(folder / ITEMS_FILE, text)

    folder = gpu_run(context, GpuRun("gpu.answer", spec, write_inputs))
    answers_ingest(context, run, {answer_id(item): item for item in items}, folder)
    run.refresh_from_db()


def run_items(run: AnswerRun) -> list[Item]:
    """The run's items in the order in which they are asked."""
    rows = run.run_items.select_related("item__benchmark").order_by("position")
    return [row.item for row in rows]


def answer_id(item: Item) -> str:
    """The item's name behind the GPU border: the same on every machine, unlike a primary key."""
    return f"{item.benchmark.name}/{item.index}"


def items_text(items: list[Item]) -> str:
    """items.jsonl, one AnswerItem a line; ASCII, since a question may hold what some readers take for a line's end."""
    lines = []
    for item in items:
        messages = question_messages(item.question, item.options, item.hint, len(item.images))
        line = AnswerItem(id=answer_id(item), messages=messages, images=item.images)
        lines.append(line.model_dump_json(ensure_ascii=True) + "\n")
    return "".join(lines)


def places_of(run: AnswerRun) -> Places:
    """Where checkpoint and pictures lie on this machine."""
    threads = run.campaign.config.engine.threads
    return Places(checkpoint=Path(run.checkpoint.path), media=Path(settings.MEDIA_ROOT), threads=threads)
