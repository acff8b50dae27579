"""The queue before a server: every try takes a turn, the oldest call first, as fast as the server bears it.

The rules are in ``core.domain.pace``; here they meet asyncio. Times are those of the running loop.
"""

import asyncio
import heapq
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, TypeVar

from core.domain.pace import Outcome, Pace, Try, backoff_s
from core.errors import DpeError, UpstreamRefused, UpstreamUnavailable

MAX_GARBLED = 3  # a reply that is none was perhaps paid for
Answer = TypeVar("Answer")


class TryFailed(UpstreamUnavailable):
    """One try brought no answer; another may. ``retry_after_s`` is how long the server asked to be left alone."""

    def __init__(self, message: str, outcome: Outcome, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.outcome, self.retry_after_s = outcome, retry_after_s


class Garbled(TryFailed):
    """The server answered with something that is no answer."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Outcome.FAILED)


@dataclass(order=True)
class Caller:
    """A call that wants turns until one brings an answer; the oldest goes first."""

    number: int
    entered_at: float = field(compare=False)
    num_tries: int = field(default=0, compare=False)
    num_refused: int = field(default=0, compare=False)
    num_garbled: int = field(default=0, compare=False)
    trouble_since: float | None = field(default=None, compare=False)
    admitted: asyncio.Future[Try] | None = field(default=None, compare=False)


@dataclass
class Lane:
    """One role's place before its server: at most ``ceiling`` of its tries are under way at once."""

    ceiling: int
    busy: int = 0
    waiting: list[Caller] = field(default_factory=list)


@dataclass
class Server:
    """One server with its pace, and the calls of all roles that wait for it.

    A call ends as UpstreamUnavailable when it got no answer for ``patience_s`` seconds, in all its tries together, or
    when nobody got one for as long. Waiting for a turn at a server that answers others costs no patience.
    """

    name: str
    patience_s: float
    random: Random
    pace: Pace = field(default_factory=Pace)
    lanes: dict[str, Lane] = field(default_factory=dict)
    why: str = ""
    _numbers: "count[int]" = field(default_factory=count)
    _timer: asyncio.TimerHandle | None = None

    def lane_set(self, role: str, ceiling: int) -> None:
        """Give a role its ceiling, also while its calls are under way."""
        self.lanes.setdefault(role, Lane(ceiling)).ceiling = ceiling
        self.pace.limit.ceiling = sum(lane.ceiling for lane in self.lanes.values())
        if any(lane.waiting for lane in self.lanes.values()):
            self._admit()

    async def ask(self, role: str, work: Callable[[], Awaitable[Answer]], caller: Caller | None = None) -> Answer:
        """What ``work`` brings, tried again while waiting may help and patience lasts."""
        caller = caller or self.caller()
        while True:
            try:
                async with self._under_way(self.lanes[role], caller):
                    return await work()
            except TryFailed as error:
                self._bear(caller, error)
                if error.retry_after_s is None:
                    await asyncio.sleep(backoff_s(caller.num_tries, self.random))

    def caller(self) -> Caller:
        """A new call, behind all that were there before."""
        return Caller(next(self._numbers), now())

    def state(self) -> dict[str, Any]:
        """How it stands, as pages show it."""
        pace, at = self.pace, now()
        is_waiting = pace.is_held(at)
        until = max(pace.paused_until, pace.circuit.until if pace.circuit.is_open else -math.inf)
        return {
            "limit": pace.limit.value,
            "in_flight": pace.in_flight,
            "waiting": sum(len(lane.waiting) for lane in self.lanes.values()),
            "rate": None if pace.rate.per_s is None else round(pace.rate.per_s, 2),
            "circuit": "open" if pace.circuit.is_open else "closed",
            "waiting_until": wall(until).isoformat() if is_waiting and until > at else None,
            "refused": pace.num_refused,
            "failed": pace.num_failed,
            "why": self.why if pace.bad_since is not None else "",
        }

    def close(self) -> None:
        """Wake nobody any more."""
        if self._timer:
            self._timer.cancel()

    @asynccontextmanager
    async def _under_way(self, lane: Lane, caller: Caller) -> AsyncIterator[None]:
        one = await self._admitted(lane, caller)
        caller.num_tries += 1
        outcome, retry_after_s = Outcome.UNUSED, None  # as when this is cancelled
        try:
            yield
            outcome = Outcome.ANSWERED
        except TryFailed as error:
            outcome, retry_after_s = error.outcome, error.retry_after_s
            raise
        except UpstreamRefused:
            outcome = Outcome.ANSWERED
            raise
        finally:
            self._end(lane, one, outcome, retry_after_s)

    async def _admitted(self, lane: Lane, caller: Caller) -> Try:
        caller.admitted = asyncio.get_running_loop().create_future()
        heapq.heappush(lane.waiting, caller)
        self._admit()
        try:
            return await caller.admitted
        except asyncio.CancelledError:
            if caller.admitted.done() and not caller.admitted.cancelled():
                self._end(lane, caller.admitted.result(), Outcome.UNUSED, None)
            raise

    def _end(self, lane: Lane, one: Try, outcome: Outcome, retry_after_s: float | None) -> None:
        lane.busy -= 1
        self.pace.end(one, now(), outcome, retry_after_s)
        self._admit()

    def _admit(self) -> None:
        """Let go who may go; when that is nobody yet, look again in time."""
        while lane := self._next_lane():
            wait_s = self.pace.wait_s(now())
            if wait_s > 0:
                self._hold(wait_s)
                return
            caller = heapq.heappop(lane.waiting)
            if caller.admitted and not caller.admitted.done():
                lane.busy += 1
                caller.admitted.set_result(self.pace.begin(now()))

    def _next_lane(self) -> Lane | None:
        """The lane with the oldest call whose role has room."""
        ready = [lane for lane in self.lanes.values() if lane.waiting and lane.busy < lane.ceiling]
        return min(ready, key=lambda lane: lane.waiting[0], default=None)

    def _hold(self, wait_s: float) -> None:
        """Everybody waits; whose patience is over while nobody is answered gives up."""
        at = now()
        if self.pace.bad_since is not None and self.pace.is_held(at):
            wait_s = min(wait_s, self._give_up(at, self.pace.bad_since))
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._admit) if wait_s < math.inf else None

    def _give_up(self, at: float, bad_since: float) -> float:
        """End the calls whose patience is over; seconds until the next one's is."""
        left = math.inf
        for lane in self.lanes.values():
            for caller in lane.waiting:
                over_at = max(bad_since, caller.entered_at) + self.patience_s
                if caller.admitted and not caller.admitted.done() and at >= over_at:
                    caller.admitted.set_exception(self._gave_up(bad_since, caller))
                elif at < over_at:
                    left = min(left, over_at - at)
            lane.waiting = [caller for caller in lane.waiting if caller.admitted and not caller.admitted.done()]
            heapq.heapify(lane.waiting)
        return left

    def _bear(self, caller: Caller, error: TryFailed) -> None:
        """Go on, or end the call: no patience left, or paid too often for nothing."""
        self.why = str(error)
        caller.num_refused += error.outcome == Outcome.REFUSED
        caller.num_garbled += isinstance(error, Garbled)
        caller.trouble_since = now() if caller.trouble_since is None else caller.trouble_since
        if caller.num_garbled >= MAX_GARBLED or now() >= caller.trouble_since + self.patience_s:
            raise self._gave_up(caller.trouble_since, caller) from error

    def _gave_up(self, since: float, caller: Caller) -> DpeError:
        tries = f"{caller.num_tries} {'try' if caller.num_tries == 1 else 'tries'}"
        return UpstreamUnavailable(f"{self.name}: no answer since {wall(since):%H:%M:%S} UTC, {tries}. {self.why}")


def now() -> float:
    """The running loop's clock."""
    return asyncio.get_running_loop().time()


def wall(at: float) -> datetime:
    """A time of the loop's clock as people read it."""
    return datetime.now(UTC) + timedelta(seconds=at - now())
