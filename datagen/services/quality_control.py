"""Quality control of what the agents wrote: duplicates and contamination at a barrier, then blind solves."""

from functools import partial

from asgiref.sync import async_to_sync

from core.access import require
from core.capabilities import capabilities_of
from core.domain.answers import AnswerType
from core.jobs.context import JobContext
from core.ledger import gather_bounded, ledger_open
from core.provider import ImageRef
from datagen.agents.flow import Solvers
from datagen.domain.quality import (
    Accepted,
    Candidate,
    Rejected,
    RejectReason,
    blind_solve_outcome,
    dedup,
    text_key,
)
from datagen.drafts import Draft, Refusal
from datagen.models import Mixture, Sample
from datagen.outcomes import outcome_set, samples_update, samples_write
from datagen.tries import benchmark_pictures, samples_earlier, samples_present, task_of

CHECKED_FIELDS = ("status", "reason", "evidence", "is_gold_confirmed")


def samples_check(context: JobContext, mixture: Mixture) -> dict[str, int]:
    """Every written sample of the wave becomes checked, rejected or held; how many of each there are now.

    What samples share is decided first, over all questions of the wave in slot order, whatever became of them since:
    resumed after a kill, the decisions are the same.
    """
    require(context.job.actor, "research", mixture.campaign)
    present = [sample for sample in samples_present(mixture) if sample.question]
    refused = shared_refusals(mixture, present)
    written = [sample for sample in present if sample.status == "written"]
    out = [outcome_set(s, Rejected(refused[s.slot.index])) for s in written if s.slot.index in refused]
    samples_write(context, out, CHECKED_FIELDS)
    async_to_sync(solve_all)(context, mixture, [s for s in written if s.slot.index not in refused])
    statuses = list(samples_present(mixture).values_list("status", flat=True))
    return {status: statuses.count(status) for status in ("checked", "rejected", "held")}


def shared_refusals(mixture: Mixture, present: list[Sample]) -> dict[int, RejectReason]:
    """By slot index: why a sample is out because of a benchmark, an earlier sample, or one in an earlier slot."""
    pictures = {str(sample.media_id) for sample in present}
    shown = benchmark_pictures(mixture.campaign) & pictures
    earlier = samples_earlier(mixture).exclude(question="").filter(media_id__in=pictures)
    seen = {(str(name), text_key(question)) for name, question in earlier.values_list("media_id", "question")}
    candidates = [Candidate(s.slot.index, s.question, str(s.media_id)) for s in present]
    again = [index for index, outcome in dedup(candidates, seen).items() if isinstance(outcome, Rejected)]
    contaminated = {s.slot.index: RejectReason.CONTAMINATED for s in present if s.media_id in shown}
    return dict.fromkeys(again, RejectReason.DUPLICATE) | contaminated


async def solve_all(context: JobContext, mixture: Mixture, samples: list[Sample]) -> None:
    """Let blind solvers answer every sample; each outcome is stored as soon as it is known."""
    if not samples:
        return
    async with ledger_open(context) as ledger:
        ledger.total = len(samples)
        solvers = Solvers(ledger, capabilities_of(ledger.endpoint("blind_solver")).takes_n)
        work = [partial(solve_one, solvers, mixture, sample) for sample in samples]
        await gather_bounded(work, mixture.campaign.config.generation.concurrency)


async def solve_one(solvers: Solvers, mixture: Mixture, sample: Sample) -> None:
    """One sample's blind solves and what follows from them."""
    assert sample.media is not None
    task = task_of(mixture, sample.slot, ImageRef(sample.media.sha256, sample.media.mime))
    draft = Draft(sample.question, sample.options, sample.answer, AnswerType(sample.answer_type))
    solves = await solvers.solve(task, draft)
    if isinstance(solves, Refusal):
        outcome_set(sample, solves.outcome)
    else:
        sample.evidence["blind_solves"] = solves
        outcome = blind_solve_outcome(draft.answer, solves, draft.answer_type, draft.options or None)
        sample.is_gold_confirmed = isinstance(outcome, Accepted)
        outcome_set(sample, outcome)
    await solvers.ledger.writer.write(samples_store_checked, sample)
    solvers.ledger.done += 1


def samples_store_checked(samples: list[Sample]) -> list[None]:
    """Store what quality control says."""
    return samples_update(samples, CHECKED_FIELDS)
