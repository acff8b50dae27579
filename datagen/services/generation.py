"""Filling open slots in one asyncio loop with a barrier in its middle: every slot's plan and searches come first, then
candidates are dealt out in slot order, then each slot's picture is chosen and its question written.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async

from core.access import require
from core.campaign_settings import CampaignSettings
from core.domain.files import hash_bytes
from core.jobs.context import JobContext
from core.ledger import Ledger, ledger_open
from core.room import gather_bounded
from core.tool_calls import ToolUse, tools_used
from datagen.agents.choosing import Choice, Desk, picture_choose
from datagen.agents.flow import LOOKING_ROLES, WRITING_ROLES, Attempt, question_write, search_plan
from datagen.agents.requests import Candidate, Task
from datagen.agents.schemas import Plan
from datagen.domain.quality import RejectReason, text_key
from datagen.drafts import Refusal
from datagen.models import Mixture, Sample, Slot
from datagen.stock import Stock, stock_deal, stock_of, uses_of, want_of
from datagen.tries import brief_of, pictures_had, samples_before, samples_present, slots_open, task_of

CHUNK = 500


@dataclass
class Errand:
    """One slot to be filled: what to ask, what it searched for and which candidates it was dealt; no task where no
    picture is left. ``searches`` are those that the ledger does not have yet, with what they found.
    """

    slot: Slot
    task: Task | None
    plan: Plan | None = None
    queries: list[str] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    searches: list[tuple[ToolUse, list[str]]] = field(default_factory=list)


@dataclass(frozen=True)
class Wave:
    """The present tries: those still to be made, what they may choose from, and what is made already."""

    context: JobContext
    mixture: Mixture
    config: CampaignSettings
    errands: Sequence[Errand]
    stock: Stock
    had: Mapping[int, frozenset[str]]


def samples_generate(context: JobContext, mixture: Mixture) -> dict[str, int]:
    """A sample for the present try of every open slot, written or rejected with a reason; how many of each.

    A (slot, try) that has its sample is done. Resumed after a kill, every slot gets the candidates, the words and the
    seeds that it would have had.
    """
    require(context.job.actor, "research", mixture.campaign)
    slots = slots_open(mixture)
    wave = wave_of(context, mixture, slots)
    empty = [no_picture(errand.slot, wave.stock) for errand in wave.errands if errand.task is None]
    for start in range(0, len(empty), CHUNK):
        with context.writing():
            samples_create(empty[start : start + CHUNK])
    async_to_sync(write_all)(wave, [errand for errand in wave.errands if errand.task], len(slots))
    return wave_counts(mixture)


def wave_of(context: JobContext, mixture: Mixture, slots: list[Slot]) -> Wave:
    """What to ask for each slot that has no sample yet. A slot for which no picture is left is asked nothing."""
    stock, had = stock_of(mixture, slots), pictures_had(mixture)
    before = samples_before(slots, mixture)
    whys = dict(mixture.rows.values_list("skill", "why"))
    taken: Counter[str] = Counter()
    errands = []
    for slot in slots:
        taken[slot.image_type] += 1
        if slot.index in had:
            continue
        brief = brief_of(slot, whys.get(slot.skill, ""), before.get(slot.index))
        is_short = taken[slot.image_type] > stock.num_free(slot.image_type)
        errands.append(Errand(slot, None if is_short else task_of(mixture, slot, brief=brief)))
    return Wave(context, mixture, mixture.campaign.config, errands, stock, had)


async def write_all(wave: Wave, errands: list[Errand], total: int) -> None:
    """Let the agents plan and search, deal the candidates out, let them write; a sample is stored once it is whole."""
    if not errands:
        return
    async with ledger_open(wave.context) as ledger:
        ledger.done, ledger.total = total - len(errands), total
        for role in [*WRITING_ROLES, *filter(ledger.has, LOOKING_ROLES)]:
            ledger.endpoint(role)
        await gather_bounded([partial(plan_one, ledger, errand) for errand in errands], ledger.slots)
        planned = [errand for errand in errands if errand.plan]
        await sync_to_async(candidates_deal)(wave, planned)
        desk = Desk(ledger, wave.config.images)
        attempts = wave.config.generation.max_attempts
        await gather_bounded([partial(write_one, desk, errand, attempts) for errand in planned], ledger.slots)


async def plan_one(ledger: Ledger, errand: Errand) -> None:
    """One slot's plan and queries; a refusal is a sample that is stored at once."""
    assert errand.task is not None
    found = await search_plan(ledger, errand.task)
    if isinstance(found, Refusal):
        await sample_store(ledger, errand, Choice(refusal=found), [])
    else:
        errand.plan, errand.queries = found


def candidates_deal(wave: Wave, errands: list[Errand]) -> None:
    """Give each slot its candidates; searches that the ledger has found what it says, whichever those are."""
    uses = {errand.slot.index: uses_of(wave.mixture, errand.slot, errand.queries) for errand in errands}
    campaign_id = wave.mixture.campaign_id
    known = tools_used(campaign_id, [use for its in uses.values() for use in its])
    dealt = {
        index: [known[use.key(campaign_id)] for use in its]
        for index, its in uses.items()
        if all(use.key(campaign_id) in known for use in its)
    }
    wants = [want_of(wave.mixture, errand.slot, errand.queries, wave.stock) for errand in errands]
    found = stock_deal(wave.stock, wants, dealt, wave.had)
    for errand in errands:
        names = [name for its in found[errand.slot.index] for name in its]
        errand.candidates = [wave.stock.pictures[name] for name in names if name in wave.stock.pictures]
        if errand.slot.index not in dealt:
            errand.searches = list(zip(uses[errand.slot.index], found[errand.slot.index], strict=True))


async def write_one(desk: Desk, errand: Errand, max_attempts: int) -> None:
    """One slot's sample: its searches are stored, its picture is chosen, then its question is written."""
    task, plan = errand.task, errand.plan
    assert task is not None and plan is not None
    await desk.ledger.tools_keep(errand.searches)
    choice = await picture_choose(desk, task, plan, errand.candidates)
    attempts: list[Attempt] = []
    if choice.chosen is not None:
        errand.task = replace(task, image=choice.chosen.image)
        attempts = await question_write(desk.ledger, errand.task, plan, max_attempts)
    await sample_store(desk.ledger, errand, choice, attempts)


async def sample_store(ledger: Ledger, errand: Errand, choice: Choice, attempts: Sequence[Attempt]) -> None:
    """Store one slot's sample."""
    await ledger.writer.write(samples_create, sample_of(errand, choice, attempts))
    ledger.done += 1


def sample_of(errand: Errand, choice: Choice, attempts: Sequence[Attempt]) -> Sample:
    """The row of one try, kept whatever became of it, with all that was found on the way."""
    assert errand.task is not None
    evidence = {**story_of(errand), **choice.evidence, "attempts": [attempt.facts for attempt in attempts]}
    sample = Sample(slot=errand.slot, try_ix=errand.slot.num_tries, evidence=evidence)
    last = attempts[-1] if attempts else Attempt(refusal=choice.refusal)
    if choice.chosen is not None:
        sample.media_id = choice.chosen.image.sha256
    if last.draft is not None:
        for name, value in asdict(last.draft).items():
            setattr(sample, name, value)
        sample.text_key = hash_bytes(f"{sample.media_id}\n{text_key(last.draft.question)}")
    if last.refusal is not None:
        sample.status, sample.reason = "rejected", last.refusal.outcome.reason.value
        evidence["detail"] = last.refusal.detail
    return sample


def story_of(errand: Errand) -> dict[str, Any]:
    """What a try was asked for; ``subject`` is what its calls are known by."""
    assert errand.task is not None
    plan = errand.plan
    told = {"plan": plan.plan, "queries": errand.queries, "edit_goal": plan.edit_goal} if plan else {"plan": ""}
    return {"subject": errand.task.subject, "brief": errand.task.brief, **told}


def no_picture(slot: Slot, stock: Stock) -> Sample:
    """The try of a slot for which no picture of its type is left."""
    evidence = {"detail": stock.why_none(slot.image_type), "candidates": []}
    reason = RejectReason.NO_USABLE_IMAGE.value
    return Sample(slot=slot, try_ix=slot.num_tries, status="rejected", reason=reason, evidence=evidence)


def samples_create(samples: list[Sample]) -> list[None]:
    """Store tries; one that is there already stays as it is."""
    Sample.objects.bulk_create(samples, batch_size=CHUNK, ignore_conflicts=True)
    return [None] * len(samples)


def wave_counts(mixture: Mixture) -> dict[str, int]:
    """How many present tries were written and how many were rejected on the way."""
    statuses = list(samples_present(mixture).values_list("status", flat=True))
    rejected = statuses.count("rejected")
    return {"written": len(statuses) - rejected, "rejected": rejected}
