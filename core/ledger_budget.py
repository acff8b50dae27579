"""How one ledger keeps to its budgets: calls that do not fit wait for those in flight, or the job pauses."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from asgiref.sync import sync_to_async

from core.access import audit
from core.budget_page import scope_text
from core.budgets import BUDGET_SPENT
from core.campaign_settings import CallSettings
from core.errors import JobPaused
from core.jobs.context import JobContext
from core.reservations import Short, Terms, budgets_lock, calls_lost, seconds_spend

PATIENCE_S = 1.0  # without news; then jobs that died meanwhile are looked for
LAG_S = 1.0  # time is counted once a beat
RESUME = "Raise or remove the cap, then resume: it goes on from what is stored."


@dataclass
class LedgerBudget:
    """The budgets that a job's calls count for. ``slowest_s`` is its slowest answer so far; a pause may take that."""

    context: JobContext
    limits: CallSettings
    clock: Callable[[], float] = time.monotonic
    scopes: set[str] = field(default_factory=set)
    slowest_s: float = LAG_S
    is_noted: bool = False
    _counted_at: float = field(init=False)
    _settled: asyncio.Event = field(default_factory=asyncio.Event)
    _noting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._counted_at = self.clock()

    @property
    def campaign_id(self) -> int:
        """Whose budgets they are; a ledger is opened for jobs of campaigns only."""
        assert self.context.job.campaign_id is not None
        return self.context.job.campaign_id

    @property
    def terms(self) -> Terms:
        """On what worst cases rest now."""
        return Terms(self.slowest_s + LAG_S, self.limits.picture_tokens)

    def settled(self, seconds: float) -> None:
        """A call ended after so long, and may have left room for others."""
        self.slowest_s = max(self.slowest_s, seconds)
        self._settled.set()
        self._settled = asyncio.Event()

    async def wait(self, short: Short) -> JobPaused | None:
        """Wait until a call ends that may leave room for this one; the reason to pause where none can.

        Where nothing ends for a while, what is reserved for jobs that died meanwhile counts as lost.
        """
        if not short.shortfall.may_settle:
            return await self.stop(short)
        try:
            await asyncio.wait_for(self._settled.wait(), PATIENCE_S)
        except TimeoutError:
            await sync_to_async(calls_lost)(self.campaign_id)
        return None

    async def time_check(self) -> None:
        """Count the time since the last look; JobPaused when a cap leaves none, whatever is in flight."""
        if short := await self.time_count():
            raise await self.stop(short)

    async def time_count(self) -> Short | None:
        """Count the time since the last look; the cap that leaves less than two more such looks, if any."""
        now = self.clock()
        seconds, self._counted_at = now - self._counted_at, now
        return await sync_to_async(seconds_spend)(self.campaign_id, self.scopes, seconds, max(2 * seconds, LAG_S))

    async def stop(self, short: Short) -> JobPaused:
        """Why the job pauses; the first reason is noted in the campaign's record."""
        told = short.shortfall.sentence(scope_text(short.scope))
        async with self._noting:
            if not self.is_noted:
                await sync_to_async(self.note)(short, told)
                self.is_noted = True
        return JobPaused(f"{told} {RESUME}", code=BUDGET_SPENT)

    def note(self, short: Short, told: str) -> None:
        """Note in the campaign's record that this job stands at a cap."""
        job = self.context.job
        with self.context.writing():
            budget = budgets_lock(self.campaign_id, {short.scope})[short.scope]
            facts = {"scope": short.scope, "cap": short.shortfall.kind, "job": job.pk, "why": told}
            audit(job.actor, "budget.reached", budget, campaign=job.campaign, **facts)
