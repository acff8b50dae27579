"""The difficulty filter: the current model answers each checked sample nine times; then slots are filled or freed.

Two phases, so that a kill anywhere changes nothing. First every checked sample is decided: as long as one is not,
the set that is scored (and with it the seeds of its batches) is the same. Only then are the slots settled.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

from django.conf import settings
from django.db.models import F, Q

from core.domain.answers import AnswerType, Graded, grade
from core.domain.files import hash_bytes, write_atomic
from core.domain.prompts import PROMPT_VERSION, question_messages
from core.domain.seeds import seed_of
from core.gpu_runs import GpuRun, gpu_run
from core.jobs.context import JobContext
from core.specs import ANSWERS_FILE, ITEMS_FILE, AnswerItem, AnswerRow, AnswerSpec, Places
from datagen.domain.mixture import Purpose
from datagen.domain.quality import Accepted, difficulty_outcome, gradient_probability, jeffreys
from datagen.models import Mixture, Sample, Slot
from diagnostics.models import Checkpoint

CHUNK = 500
PAUSE_S = 0.02


@dataclass(frozen=True)
class Score:
    """What the current model makes of one sample."""

    num_correct: int
    num_scored: int
    majority_other: bool
    answers: dict[str, int]


def difficulty_filter(context: JobContext, mixture: Mixture, checkpoint: Checkpoint) -> dict[str, int]:
    """Decide every checked sample, settle every open slot; how the slots stand."""
    if current_samples(mixture).filter(status="checked").exists():
        samples = list(scored_set(mixture))
        folder = gpu_run(context, scoring_run(mixture, checkpoint, samples))
        decide_all(context, samples, scores_read(samples, folder))
    settle_slots(context, mixture)
    counts = Counter(Slot.objects.filter(mixture=mixture).values_list("status", flat=True))
    return {status: counts[status] for status in ("open", "filled", "given_up")}


def current_samples(mixture: Mixture) -> Any:
    """The samples of the present try of every open slot, in slot order."""
    rows = Sample.objects.filter(slot__mixture=mixture, slot__status="open", try_ix=F("slot__num_tries"))
    return rows.select_related("slot__mixture__campaign").order_by("slot__index")


def scored_set(mixture: Mixture) -> Iterable[Sample]:
    """What is scored in this wave: checked, or already decided by this wave's scores."""
    rows: Iterable[Sample] = current_samples(mixture).filter(Q(status="checked") | Q(num_scored__isnull=False))
    return rows


def scoring_run(mixture: Mixture, checkpoint: Checkpoint, samples: list[Sample]) -> GpuRun:
    """The answer run over these samples with the campaign's difficulty sampling."""
    text = "".join(item_of(sample).model_dump_json(ensure_ascii=True) + "\n" for sample in samples)
    config = mixture.campaign.config
    spec = AnswerSpec(
        checkpoint_hash=checkpoint.content_hash,
        seed=seed_of(mixture.seed, "difficulty"),
        device=config.engine.device,
        dtype=config.engine.dtype,
        places=Places(checkpoint=Path(checkpoint.path), media=Path(settings.MEDIA_ROOT), threads=config.engine.threads),
        items_hash=hash_bytes(text),
        prompt_version=PROMPT_VERSION,
        sampling=config.difficulty.sampling,
        batch_size=config.engine.batch_size,
    )
    return GpuRun("gpu.answer", spec, lambda folder: write_atomic(folder / ITEMS_FILE, text))


def item_of(sample: Sample) -> AnswerItem:
    """The sample as the model is asked it: in the words of training and evaluation, named by its slot and try."""
    messages = question_messages(sample.question, sample.options)
    return AnswerItem(id=sample_name(sample), messages=messages, images=[str(sample.media_id)])


def sample_name(sample: Sample) -> str:
    """A sample's name behind the GPU border."""
    return f"s{sample.slot.index}/t{sample.try_ix}"


def scores_read(samples: list[Sample], folder: Path) -> dict[str, Score]:
    """Each sample's score from the run's answers, by name."""
    by_name = {sample_name(sample): sample for sample in samples}
    graded: dict[str, list[Graded]] = defaultdict(list)
    with (folder / ANSWERS_FILE).open(encoding="utf-8") as lines:
        for line in lines:
            row = AnswerRow.model_validate_json(line)
            sample = by_name[row.id]
            kind = AnswerType(sample.answer_type)
            result = grade(row.text, sample.answer, kind, sample.options or None, finish=row.finish)
            graded[row.id].append(result)
    return {name: score_of(grades) for name, grades in graded.items()}


def score_of(grades: list[Graded]) -> Score:
    """Counts over one sample's answers; a missing score is unscored, never right or wrong."""
    scored = [one.lenient for one in grades if one.lenient.outcome != "unscored"]
    others = Counter(one.extracted for one in scored if not one.is_correct and one.extracted)
    most = max(others.values(), default=0)
    answers = Counter(one.extracted or one.detail for one in scored)
    num_correct = sum(one.is_correct for one in scored)
    return Score(num_correct, len(scored), 2 * most > len(grades), dict(sorted(answers.items())))


def decide_all(context: JobContext, samples: list[Sample], scores: dict[str, Score]) -> None:
    """Write every sample's outcome, in chunks; a sample that is decided already keeps its word."""
    waiting = [sample for sample in samples if sample.status == "checked"]
    for start in range(0, len(waiting), CHUNK):
        chunk = waiting[start : start + CHUNK]
        for sample in chunk:
            decide(sample, scores[sample_name(sample)])
        fields = ["status", "reason", "num_correct", "num_scored", "gradient_probability", "evidence"]
        with context.writing():
            Sample.objects.bulk_update(chunk, fields)
        context.progress(start + len(chunk), len(waiting), "samples")
        sleep(PAUSE_S)


def decide(sample: Sample, score: Score) -> None:
    """Set a sample's outcome from its score."""
    outcome = difficulty_outcome(
        num_correct=score.num_correct,
        num_scored=score.num_scored,
        num_answers=sample.slot.mixture.campaign.config.difficulty.sampling.num_answers,
        purpose=Purpose(sample.slot.purpose),
        majority_other=score.majority_other,
        blind_passed=sample.is_gold_confirmed,
    )
    is_accepted = isinstance(outcome, Accepted)
    sample.status = "accepted" if is_accepted else type(outcome).__name__.lower()
    sample.reason = "" if isinstance(outcome, Accepted) else str(outcome.reason)
    sample.num_correct, sample.num_scored = score.num_correct, score.num_scored
    sample.gradient_probability = gradient_probability(jeffreys(score.num_correct, score.num_scored))
    sample.evidence = {**sample.evidence, "model_answers": score.answers}


def settle_slots(context: JobContext, mixture: Mixture) -> None:
    """Fill the slots with an accepted sample, free the others for another try or give them up with their reason."""
    most = mixture.campaign.config.generation.max_refills
    slots = [settled(sample, most) for sample in current_samples(mixture)]
    for start in range(0, len(slots), CHUNK):
        with context.writing():
            Slot.objects.bulk_update(slots[start : start + CHUNK], ["status", "num_tries", "reason"])
        sleep(PAUSE_S)


def settled(sample: Sample, max_refills: int) -> Slot:
    """The slot after its present try."""
    slot = sample.slot
    if sample.status == "accepted":
        slot.status = "filled"
    elif slot.num_tries >= max_refills:
        slot.status, slot.reason = "given_up", sample.reason or sample.status
    else:
        slot.num_tries += 1
    return slot
