"""The difficulty filter: the current model answers every checked sample, and slots end, open again or are given up."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db.models import F, Q

from core.access import require
from core.domain.answers import AnswerType
from core.domain.files import hash_parts, write_atomic
from core.domain.prompts import PROMPT_VERSION, question_messages
from core.domain.seeds import seed_of
from core.errors import InvalidInput
from core.gpu_runs import GpuRun, gpu_run
from core.jobs.context import JobContext
from core.specs import ANSWERS_FILE, ITEMS_FILE, AnswerItem, AnswerSpec, Places, Sampling
from datagen.domain.mixture import Purpose
from datagen.domain.quality import Accepted, HardCandidate
from datagen.grading import Asked, Score, hard_kept, score_of
from datagen.models import Mixture, Sample, Slot
from datagen.outcomes import CHUNK, outcome_set, samples_write
from datagen.sample_streams import AnswersFile, samples_chunked
from datagen.selectors import slots_count
from datagen.tries import samples_present, samples_under_way
from diagnostics.models import Checkpoint

GRADED_FIELDS = ("status", "reason", "evidence", "num_correct", "num_scored", "gradient_probability")
FINAL = ("accepted", "rejected", "held")


def difficulty_filter(context: JobContext, mixture: Mixture, checkpoint: Checkpoint) -> dict[str, int]:
    """Accept, reject or hold every checked sample of the wave, then move its slots on; how the slots stand.

    The items asked are those that passed quality control, graded or not: a wave that was killed while it stored
    grades finds its run again by the same spec.
    """
    require(context.job.actor, "research", mixture.campaign)
    if checkpoint.campaign_id != mixture.campaign_id:
        raise InvalidInput("checkpoint_id: it belongs to another campaign.", field="checkpoint_id")
    present = samples_present(mixture)
    if present.filter(status="checked").exists():
        passed = list(present.filter(Q(status="checked") | Q(num_scored__isnull=False)).values_list("pk", flat=True))
        spec = spec_of(mixture, checkpoint, passed)
        folder = gpu_run(context, GpuRun("gpu.answer", spec, lambda path: write_items(path, passed)))
        grades_store(context, mixture, passed, folder)
    slots_move_on(context, mixture)
    return slots_count(mixture)


def spec_of(mixture: Mixture, checkpoint: Checkpoint, samples: list[int]) -> AnswerSpec:
    """What the child is asked: the campaign's sampling, a seed of content, items by their hash."""
    engine = mixture.campaign.config.engine
    return AnswerSpec(
        checkpoint_hash=checkpoint.content_hash,
        seed=seed_of(mixture.campaign.seed, mixture.seed, "difficulty"),
        device=engine.device,
        dtype=engine.dtype,
        places=Places(checkpoint=Path(checkpoint.path), media=Path(settings.MEDIA_ROOT), threads=engine.threads),
        items_hash=hash_parts(item_lines(samples)),
        prompt_version=PROMPT_VERSION,
        sampling=sampling_of(mixture),
        batch_size=engine.batch_size,
    )


def sampling_of(mixture: Mixture) -> Sampling:
    """The campaign's sampling for this filter, with the engine's length unless it names one of its own."""
    config = mixture.campaign.config
    sampling = config.difficulty.sampling
    if sampling.max_new_tokens != Sampling().max_new_tokens:
        return sampling
    return sampling.model_copy(update={"max_new_tokens": config.engine.max_new_tokens})


def item_lines(samples: list[int]) -> Iterator[str]:
    """items.jsonl, one AnswerItem a line, in slot order."""
    for chunk in samples_chunked(samples, without=["evidence"]):
        for sample in chunk:
            messages = question_messages(sample.question, sample.options)
            item = AnswerItem(id=item_id(sample), messages=messages, images=[str(sample.media_id)])
            yield f"{item.model_dump_json(ensure_ascii=True)}\n"


def item_id(sample: Sample) -> str:
    """The sample's name behind the GPU border: the same on every machine, unlike a primary key."""
    return f"s{sample.slot.index}/t{sample.try_ix}"


def write_items(folder: Path, samples: list[int]) -> None:
    """What the child reads."""
    write_atomic(folder / ITEMS_FILE, item_lines(samples))


def grades_store(context: JobContext, mixture: Mixture, samples: list[int], folder: Path) -> None:
    """Grade all, decide over all in slot order, and store what is not stored yet."""
    scores = scores_of(context, mixture, samples, folder)
    kept = hard_kept_in(mixture, scores) if mixture.policy == "calibrated" else set()
    ordered = iter(scores)
    for chunk in samples_chunked(samples):
        for sample, score in zip(chunk, ordered, strict=False):
            grade_set(sample, score, folder.name, is_kept=sample.slot.index in kept)
        samples_write(context, chunk, GRADED_FIELDS, still=samples_under_way)


def grade_set(sample: Sample, score: Score, answer_run: str, *, is_kept: bool) -> None:
    """The sample as its score leaves it, not stored yet."""
    outcome_set(sample, Accepted() if is_kept else score.outcome, accepted="accepted")
    sample.num_correct, sample.num_scored = score.num_correct, score.num_scored
    sample.gradient_probability = score.gradient_probability
    sample.evidence |= {"model_answers": dict(score.answers), "answer_run": answer_run, "is_kept_hard": is_kept}


def scores_of(context: JobContext, mixture: Mixture, samples: list[int], folder: Path) -> list[Score]:
    """Each sample's score, in the samples' order."""
    answers = AnswersFile(folder / ANSWERS_FILE)
    num_answers = mixture.campaign.config.difficulty.sampling.num_answers
    scores = []
    for chunk in samples_chunked(samples, without=["evidence", "question"]):
        for sample in chunk:
            context.beat()
            scores.append(score_of(asked_of(sample), answers.rows(item_id(sample)), num_answers))
    return scores


def asked_of(sample: Sample) -> Asked:
    """The sample as a question to the model."""
    return Asked(
        slot=sample.slot.index,
        skill=sample.slot.skill,
        purpose=Purpose(sample.slot.purpose),
        gold=sample.answer,
        answer_type=AnswerType(sample.answer_type),
        options=sample.options or None,
        is_gold_confirmed=sample.is_gold_confirmed,
    )


def hard_kept_in(mixture: Mixture, scores: list[Score]) -> set[int]:
    """The too hard samples of this wave that are kept, counting what earlier waves accepted."""
    now = {score.asked.slot for score in scores}
    earlier = Sample.objects.filter(slot__mixture=mixture, status="accepted").select_related("slot").defer("question")
    kept: list[HardCandidate] = []
    in_band: Counter[str] = Counter()
    for sample in earlier.iterator(chunk_size=CHUNK):
        slot = sample.slot
        if slot.index in now:
            continue
        if sample.evidence.get("is_kept_hard"):
            kept.append(HardCandidate(slot.index, slot.skill, sample.num_correct or 0, sample.is_gold_confirmed))
        else:
            in_band[slot.skill] += 1
    return hard_kept(scores, kept, in_band)


def slots_move_on(context: JobContext, mixture: Mixture) -> None:
    """Slots with an accepted sample are filled; others are open for another try, or given up after the last one.

    Only slots whose present try has ended move, and each moves once: a slot that moved on has no present sample.
    """
    max_refills = mixture.campaign.config.generation.max_refills
    ended = samples_present(mixture).filter(status__in=FINAL)
    moves: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for slot_id, num_tries, status, reason in ended.values_list("slot_id", "slot__num_tries", "status", "reason"):
        moves[*move_of(status, reason, is_last=num_tries >= max_refills), num_tries].append(slot_id)
    for (status, reason, num_tries), ids in moves.items():
        for start in range(0, len(ids), CHUNK):
            with context.writing():
                there = Slot.objects.filter(pk__in=ids[start : start + CHUNK], status="open", num_tries=num_tries)
                there.update(status=status, reason=reason, num_tries=F("num_tries") + 1)


def move_of(status: str, reason: str, *, is_last: bool) -> tuple[str, str]:
    """A slot's next status and reason, from its present sample's: one that opens again keeps why."""
    if status == "accepted":
        return "filled", ""
    return "given_up" if is_last else "open", reason
