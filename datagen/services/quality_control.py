"""Quality control of what the agents wrote: duplicates and contamination at a barrier, then blind solves."""

from functools import partial

from asgiref.sync import async_to_sync
from django.db.models import QuerySet

from core.access import require
from core.capabilities import capabilities_of
from core.domain.answers import AnswerType
from core.jobs.context import JobContext
from core.ledger import ledger_open
from core.provider import ImageRef
from core.room import gather_bounded
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
from datagen.sample_streams import samples_chunked
from datagen.tries import benchmark_pictures, samples_earlier, samples_present, task_of

REFUSED_FIELDS = ("status", "reason")
CHECKED_FIELDS = ("status", "reason", "evidence", "is_gold_confirmed")


def samples_check(context: JobContext, mixture: Mixture) -> dict[str, int]:
    """Every written sample of the wave becomes checked, rejected or held; how many of each there are now.

    What samples share is decided first, over all questions of the wave in slot order, whatever became of them since:
    resumed after a kill, the decisions are the same.
    """
    require(context.job.actor, "research", mixture.campaign)
    present = samples_present(mixture).exclude(question="")
    refused = shared_refusals(mixture, present)
    written = dict(present.filter(status="written").values_list("slot__index", "pk"))
    for chunk in samples_chunked([pk for index, pk in written.items() if index in refused], without=["evidence"]):
        out = [outcome_set(sample, Rejected(refused[sample.slot.index])) for sample in chunk]
        samples_write(context, out, REFUSED_FIELDS)
    async_to_sync(solve_all)(context, mixture, [pk for index, pk in written.items() if index not in refused])
    statuses = list(samples_present(mixture).values_list("status", flat=True))
    return {status: statuses.count(status) for status in ("checked", "rejected", "held")}


def shared_refusals(mixture: Mixture, present: QuerySet[Sample]) -> dict[int, RejectReason]:
    """By slot index: why a sample is out because of a benchmark, an earlier sample, or one in an earlier slot."""
    rows = present.values_list("slot__index", "question", "media_id")
    candidates = [Candidate(index, question, str(name)) for index, question, name in rows]
    pictures = {candidate.image for candidate in candidates}
    shown = benchmark_pictures(mixture.campaign) & pictures
    earlier = samples_earlier(mixture).exclude(question="").filter(media_id__in=pictures)
    seen = {(str(name), text_key(question)) for name, question in earlier.values_list("media_id", "question")}
    again = [index for index, outcome in dedup(candidates, seen).items() if isinstance(outcome, Rejected)]
    contaminated = {one.slot: RejectReason.CONTAMINATED for one in candidates if one.image in shown}
    return dict.fromkeys(again, RejectReason.DUPLICATE) | contaminated


async def solve_all(context: JobContext, mixture: Mixture, samples: list[int]) -> None:
    """Let blind solvers answer every sample; each outcome is stored as soon as it is known."""
    if not samples:
        return
    async with ledger_open(context) as ledger:
        ledger.total = len(samples)
        solvers = Solvers(ledger, capabilities_of(ledger.endpoint("blind_solver")).takes_n)
        work = [partial(solve_one, solvers, mixture, sample) for sample in samples]
        await gather_bounded(work, ledger.slots)


async def solve_one(solvers: Solvers, mixture: Mixture, pk: int) -> None:
    """One sample's blind solves and what follows from them. It is read when its turn comes, with others whose turn it
    is: ten thousand are not held at once."""
    sample = await solvers.ledger.writer.write(samples_read, pk)
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


def samples_read(keys: list[int]) -> list[Sample]:
    """The samples with these keys."""
    return [sample for chunk in samples_chunked(keys) for sample in chunk]


def samples_store_checked(samples: list[Sample]) -> list[None]:
    """Store what quality control says."""
    return samples_update(samples, CHECKED_FIELDS)
