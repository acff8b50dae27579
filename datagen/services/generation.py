"""Filling open slots: a picture for each at a barrier, then plan, question and validation in one asyncio loop."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync

from core.access import require
from core.domain.files import hash_bytes
from core.jobs.context import JobContext
from core.ledger import Ledger, gather_bounded, ledger_open
from core.provider import ImageRef
from datagen.agents.flow import WRITING_ROLES, Attempt, question_write
from datagen.agents.requests import Task
from datagen.domain.quality import RejectReason, text_key
from datagen.models import Mixture, Sample, Slot
from datagen.pictures import Want, pictures_choose
from datagen.tries import (
    benchmark_pictures,
    brief_of,
    pool_pictures,
    samples_before,
    samples_earlier,
    samples_present,
    slots_open,
    task_of,
    try_seed,
)

CHUNK = 500


@dataclass(frozen=True)
class Errand:
    """One slot to be filled, and what to ask about which picture; no task where no picture is left."""

    slot: Slot
    task: Task | None


def samples_generate(context: JobContext, mixture: Mixture) -> dict[str, int]:
    """A sample for the present try of every open slot, written or rejected with a reason; how many of each.

    A (slot, try) that has its sample is done. Resumed after a kill, every slot gets the picture, the words and the
    seeds that it would have had.
    """
    require(context.job.actor, "research", mixture.campaign)
    slots = slots_open(mixture)
    errands = errands_of(mixture, slots)
    empty = [no_picture(errand.slot) for errand in errands if errand.task is None]
    for start in range(0, len(empty), CHUNK):
        with context.writing():
            samples_create(empty[start : start + CHUNK])
    async_to_sync(write_all)(context, mixture, [errand for errand in errands if errand.task], len(slots))
    return wave_counts(mixture)


def errands_of(mixture: Mixture, slots: list[Slot]) -> list[Errand]:
    """What to ask for each slot that has no sample yet; what slots share is decided here, in slot order."""
    had = {sample.slot.index: sample.media_id for sample in samples_present(mixture)}
    pictures = pictures_of(mixture, slots, had)
    before = samples_before(slots, mixture)
    whys = dict(mixture.rows.values_list("skill", "why"))
    errands = []
    for slot in slots:
        if slot.index in had:
            continue
        image = pictures[slot.index]
        brief = brief_of(slot, whys.get(slot.skill, ""), before.get(slot.index))
        errands.append(Errand(slot, task_of(mixture, slot, image, brief) if image else None))
    return errands


def pictures_of(mixture: Mixture, slots: list[Slot], had: Mapping[int, str | None]) -> Mapping[int, ImageRef | None]:
    """A picture for every slot, never one of a benchmark and never one that the campaign used before."""
    pairs = pool_pictures(mixture.campaign, {slot.image_type for slot in slots})
    refs = {image.sha256: image for _, image in pairs}
    pools: dict[str, list[str]] = defaultdict(list)
    for kind, image in pairs:
        pools[kind].append(image.sha256)
    used = set(samples_earlier(mixture).exclude(media=None).values_list("media_id", flat=True))
    wants = [Want(slot.index, slot.image_type, try_seed(mixture, slot), had.get(slot.index)) for slot in slots]
    chosen = pictures_choose(wants, pools, used | benchmark_pictures(mixture.campaign))
    return {index: refs.get(name or "") for index, name in chosen.items()}


async def write_all(context: JobContext, mixture: Mixture, errands: list[Errand], total: int) -> None:
    """Let the agents write; each sample is stored as soon as it is whole."""
    if not errands:
        return
    async with ledger_open(context) as ledger:
        ledger.done, ledger.total = total - len(errands), total
        for role in WRITING_ROLES:
            ledger.endpoint(role)
        work = [partial(write_one, ledger, errand) for errand in errands]
        await gather_bounded(work, mixture.campaign.config.generation.concurrency)


async def write_one(ledger: Ledger, errand: Errand) -> None:
    """One slot's sample."""
    assert errand.task is not None
    attempt = await question_write(ledger, errand.task)
    await ledger.writer.write(samples_create, sample_of(errand.slot, errand.task, attempt))
    ledger.done += 1


def sample_of(slot: Slot, task: Task, attempt: Attempt) -> Sample:
    """The row of one try, kept whatever became of it."""
    evidence: dict[str, Any] = {"plan": attempt.plan, "brief": task.brief}
    sample = Sample(slot=slot, try_ix=slot.num_tries, media_id=task.image.sha256, evidence=evidence)
    if attempt.draft is not None:
        for name, value in asdict(attempt.draft).items():
            setattr(sample, name, value)
        sample.text_key = hash_bytes(f"{task.image.sha256}\n{text_key(attempt.draft.question)}")
    if attempt.refusal is not None:
        sample.status, sample.reason = "rejected", attempt.refusal.outcome.reason.value
        evidence["detail"] = attempt.refusal.detail
    return sample


def no_picture(slot: Slot) -> Sample:
    """The try of a slot for which no picture of its type is left."""
    reason = RejectReason.NO_USABLE_IMAGE.value
    return Sample(slot=slot, try_ix=slot.num_tries, status="rejected", reason=reason)


def samples_create(samples: list[Sample]) -> list[None]:
    """Store tries; one that is there already stays as it is."""
    Sample.objects.bulk_create(samples, batch_size=CHUNK, ignore_conflicts=True)
    return [None] * len(samples)


def wave_counts(mixture: Mixture) -> dict[str, int]:
    """How many present tries were written and how many were rejected on the way."""
    statuses = list(samples_present(mixture).values_list("status", flat=True))
    rejected = statuses.count("rejected")
    return {"written": len(statuses) - rejected, "rejected": rejected}
