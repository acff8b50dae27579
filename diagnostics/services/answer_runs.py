"""Answer runs: items are chosen when a run is made, its engine answers them, the answers come in exactly once."""

import json
from pathlib import Path
from typing import Unpack

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from core.access import audit, require
from core.domain.files import hash_bytes, write_atomic
from core.domain.prompts import question_messages
from core.domain.seeds import seed_of
from core.errors import InvalidInput
from core.gpu_runs import GpuRun, gpu_run
from core.jobs.context import JobContext
from core.models import Campaign, Endpoint
from core.roles import MODEL_UNDER_TEST
from core.specs import ITEMS_FILE, AnswerItem, AnswerSpec, Places
from diagnostics.engines.endpoint import endpoint_answer
from diagnostics.models import AnswerRun, Checkpoint, Item, RunItem
from diagnostics.run_spec import RunChoice, run_spec
from diagnostics.services.ingest import answers_ingest
from diagnostics.services.item_choice import BankItem, items_choose

CHUNK = 500


def answer_run_create(
    *, actor: User, campaign: Campaign, checkpoint: Checkpoint | None, **choice: Unpack[RunChoice]
) -> AnswerRun:
    """A run with its items and settings frozen; ``result["reused_items"]`` counts items of earlier rounds.

    Only a run by ``endpoint`` may name no checkpoint: it then stands for the endpoint's model.
    """
    require(actor, "research", campaign)
    endpoint = model_under_test(campaign) if choice.get("engine") == "endpoint" else None
    bank = {item.id: item for item in bank_items(campaign, choice)}
    chosen = items_choose(
        bank.values(),
        seed=seed_of(campaign.seed, choice["split"]),
        items_a_skill=choice["items_a_skill"],
        round_number=choice["round_number"],
    )
    if not chosen.item_ids:
        raise InvalidInput(f"There are no {choice['split']} items to ask: import a benchmark first.", field="split")
    with transaction.atomic():
        checkpoint = checkpoint_asked(actor, campaign, checkpoint, endpoint)
        run = AnswerRun.objects.create(
            campaign=campaign,
            checkpoint=checkpoint,
            split=choice["split"],
            label=choice["label"],
            spec=run_spec(campaign, checkpoint, choice, [bank[item] for item in chosen.item_ids], endpoint),
            num_items=len(chosen.item_ids),
            num_answers=choice["sampling"].num_answers,
            result={"reused_items": chosen.num_reused},
        )
        rows = [RunItem(run=run, item_id=item, position=place) for place, item in enumerate(chosen.item_ids)]
        RunItem.objects.bulk_create(rows, batch_size=CHUNK)
        audit(actor, "answer_run.created", run, campaign=campaign, split=run.split, items=run.num_items)
    return run


def model_under_test(campaign: Campaign) -> Endpoint:
    """Who answers runs by endpoint; InvalidInput when nobody does."""
    found = campaign.endpoints.filter(role=MODEL_UNDER_TEST).first()
    if found is None:
        raise InvalidInput(f"engine: no endpoint plays {MODEL_UNDER_TEST}; set one first.", field="engine")
    return found


def checkpoint_asked(
    actor: User, campaign: Campaign, checkpoint: Checkpoint | None, endpoint: Endpoint | None
) -> Checkpoint:
    """The checkpoint that the run stands for; for an endpoint without one, the model of that name elsewhere."""
    if checkpoint is None and endpoint is None:
        raise InvalidInput("checkpoint: say which one answers.", field="checkpoint")
    if checkpoint is None:
        return model_elsewhere(actor, campaign, str(endpoint and endpoint.model))
    if checkpoint.campaign_id != campaign.pk:
        raise InvalidInput("checkpoint: it belongs to another campaign.", field="checkpoint")
    if checkpoint.lacks and endpoint is None:
        raise InvalidInput(f"checkpoint: {checkpoint.lacks}.", field="checkpoint")
    return checkpoint


def model_elsewhere(actor: User, campaign: Campaign, name: str) -> Checkpoint:
    """The checkpoint without a folder that stands for an endpoint's model; the same name is the same model."""
    content_hash = hash_bytes(f"model {name} of an endpoint")
    row, is_new = Checkpoint.objects.get_or_create(
        campaign=campaign, content_hash=content_hash, defaults={"name": name, "path": ""}
    )
    if is_new:
        audit(actor, "checkpoint.named", row, campaign=campaign, content_hash=content_hash)
    return row


def bank_items(campaign: Campaign, choice: RunChoice) -> list[BankItem]:
    """What could be asked: items of benchmarks whose import is complete, of the benchmark and skill that are named."""
    whole = Item.objects.filter(benchmark__campaign=campaign, benchmark__num_items__gt=0, split=choice["split"])
    named = {"benchmark__name": choice.get("benchmark"), "skill": choice.get("skill")}
    whole = whole.filter(**{name: value for name, value in named.items() if value})
    rows = whole.values_list("id", "skill", "content_hash", "benchmark__name", "index")
    return [BankItem(*row) for row in rows.iterator(chunk_size=2000)]


def answer_run_execute(context: JobContext, run: AnswerRun) -> None:
    """Answer, store and grade what is missing; a complete run costs nothing. Safe to repeat after any kill."""
    if run.is_complete:
        return
    items = run_items(run)
    text = items_text(items)
    if run.spec.get("engine") == "endpoint":
        name_run(context, run, hash_bytes(json.dumps([run.spec, hash_bytes(text)], sort_keys=True))[:32])
        endpoint_answer(context, run, items)
    else:
        answer_here(context, run, items, text)
    run.refresh_from_db()


def answer_here(context: JobContext, run: AnswerRun, items: list[Item], text: str) -> None:
    """Let a child behind the GPU border answer ``text``, and take its answers in."""
    facts = {name: value for name, value in run.spec.items() if name in AnswerSpec.model_fields}
    spec = AnswerSpec.model_validate({**facts, "items_hash": hash_bytes(text), "places": places_of(run)})
    name_run(context, run, spec.run_name())

    def write_inputs(folder: Path) -> None:
        write_atomic(folder / ITEMS_FILE, text)

    folder = gpu_run(context, GpuRun("gpu.answer", spec, write_inputs))
    answers_ingest(context, run, {answer_id(item): item for item in items}, folder)


def name_run(context: JobContext, run: AnswerRun, name: str) -> None:
    """Write down which folder, or which calls, the answers come from."""
    run.run_name = name
    with context.writing():
        AnswerRun.objects.filter(pk=run.pk).update(run_name=name)


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
