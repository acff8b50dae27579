"""What a server bears, found by what it refuses: how many calls at once, how many a second, and whether it is there.

Plain numbers; times are seconds of one clock that the caller reads. One ``Pace`` is kept for each server.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Final

from core.domain.level import Level

LATE_S: Final = 0.05  # what comes later than this was held back by something else than the rate
CREDIT_S: Final = 0.02  # a try that comes late by less than this does not slow the next ones down
WINDOW_S: Final = 10.0
SHORTEST_S: Final = 0.2  # what is counted in less time says little about a second
HEAVY, FEW = 0.1, 4
REST_S: Final = 0.2  # after a refusal, in which a server's bucket fills a little
FAILURES: Final = 8
FIRST_COOL_S, LONGEST_COOL_S = 1.0, 60.0
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 30.0


class Outcome(StrEnum):
    """How a try ended, as far as its server's pace is concerned."""

    ANSWERED = "answered"  # also a refusal for good: the server is there, and this said nothing about load
    REFUSED = "refused"  # too many requests (429)
    CROWDED = "crowded"  # overloaded (503, 529) or too slow
    FAILED = "failed"  # no connection, another 5xx, or a reply that is none
    UNUSED = "unused"  # nothing was sent, or nobody waited for the answer


@dataclass
class Spell:
    """The tries since the last cut: since when, how many, and how many of them were refused."""

    start: float = math.inf
    end: float = math.inf
    sent: int = 0
    refused: int = 0

    def began(self, now: float) -> None:
        """Count a try; half of what is long past is forgotten."""
        self.start, self.sent = min(self.start, now), self.sent + 1
        if now - self.start > WINDOW_S:
            self.start, self.sent, self.refused = (self.start + now) / 2, self.sent // 2, self.refused // 2

    @property
    def is_heavy(self) -> bool:
        """Whether so many were refused that the height itself tells little."""
        return self.refused > max(FEW, HEAVY * self.sent)

    def accepted_per_s(self, now: float) -> float:
        """What the server took of it, above 0."""
        return max(1, self.sent - self.refused) / max(SHORTEST_S, min(now, self.end) - self.start)


@dataclass
class Rate:
    """How many tries a second: as many as come, until the server refuses; then what it accepted, and a look upward."""

    level: Level = field(default_factory=lambda: Level(depth=0.3, rest=2.0, most=4))
    _next_at: float = -math.inf
    _last_at: float = 0.0
    _is_binding: bool = False
    _spell: Spell = field(default_factory=Spell)
    _past: Spell = field(default_factory=Spell)

    @property
    def per_s(self) -> float | None:
        """Tries a second; None as long as nothing was refused."""
        return None if math.isinf(self.level.top) else self.level.height

    def wait_s(self, now: float) -> float:
        """Seconds until the next try may go."""
        return max(0.0, self._next_at - now)

    def began(self, now: float) -> None:
        """Count a try that goes now. The level ages only while it is what holds tries back."""
        self._spell.began(now)
        if per_s := self.per_s:
            late_s = now - self._next_at
            self._is_binding = late_s <= LATE_S
            if self._is_binding:
                self.level.grow(now - self._last_at)
            credit_s = CREDIT_S * min(1.0, per_s / 10)  # at few tries a second a timer's delay is nothing
            self._next_at = (self._next_at if late_s <= credit_s else now) + 1 / per_s
        self._last_at = now

    def unused(self, sent_at: float) -> None:
        """Forget a try that never went out."""
        if sent_at >= self._spell.start:
            self._spell.sent -= 1
        if per_s := self.per_s:
            self._next_at -= 1 / per_s

    def refused(self, sent_at: float, now: float) -> None:
        """Slow down, once for all tries that went out at the old speed; what they were like is learned from each."""
        if sent_at >= self._spell.start:
            self._cut(now)
        elif sent_at >= self._past.start:
            self._past.refused += 1
            if self._past.is_heavy:
                self.level.lower(self._past.accepted_per_s(now))

    def _cut(self, now: float) -> None:
        self._spell.refused += 1
        self._spell.end = now
        height = self.level.height
        self.level.drop(height if self._is_binding else min(height, self._spell.accepted_per_s(now)))
        self._past, self._spell, self._is_binding = self._spell, Spell(), False
        self._next_at = max(self._next_at, now + REST_S)


@dataclass
class Limit:
    """How many calls at once: the ceiling, until the server is crowded; then half, and back up by rounds of answers."""

    ceiling: int = 0
    level: Level = field(default_factory=lambda: Level(depth=0.5, rest=2.0, most=2))
    _full_at: float = -math.inf
    _cut_at: float = -math.inf

    @property
    def value(self) -> int:
        """Calls at once, one or more."""
        return max(1, int(min(self.ceiling, self.level.height)))

    def began(self, in_flight: int, now: float) -> None:
        """Remember when the limit was last used to the full."""
        if in_flight >= self.value:
            self._full_at = now

    def answered(self, sent_at: float) -> None:
        """Look further up when the limit held calls back while this one was under way; the level ages by rounds."""
        if sent_at <= self._full_at:
            self.level.grow(1 / self.value)

    def crowded(self, sent_at: float, now: float) -> None:
        """Halve, once for all tries that went out under the old limit."""
        if sent_at >= self._cut_at:
            self.level.drop(float(self.value))
            self._cut_at = now


@dataclass
class Circuit:
    """Opens after FAILURES in a row and lets one probe through when it has cooled off; a success closes it."""

    is_open: bool = False
    until: float = 0.0
    _failures: int = 0
    _cool_s: float = 0.0
    _has_probe: bool = False

    def wait_s(self, now: float) -> float:
        """Seconds until a try may go; infinite while the probe is under way."""
        if not self.is_open:
            return 0.0
        return math.inf if self._has_probe else max(0.0, self.until - now)

    def began(self) -> bool:
        """Whether the try that goes now is the probe."""
        self._has_probe = self.is_open
        return self.is_open

    def answered(self) -> None:
        """The server is there."""
        self.is_open, self._has_probe, self._failures, self._cool_s = False, False, 0, 0.0

    def failed(self, now: float, *, is_probe: bool) -> None:
        """One more failure; tries that went out before it opened, and fail after, prolong nothing."""
        self._failures += 1
        if is_probe or (not self.is_open and self._failures >= FAILURES):
            self._cool_s = min(max(FIRST_COOL_S, 2 * self._cool_s), LONGEST_COOL_S)
            self.is_open, self.until, self._has_probe = True, now + self._cool_s, False

    def unused(self, *, is_probe: bool) -> None:
        """A probe that told nothing leaves room for another."""
        if is_probe:
            self._has_probe = False


@dataclass(frozen=True)
class Try:
    """A try under way."""

    sent_at: float
    is_probe: bool


@dataclass
class Pace:
    """All that is known of how one server bears its calls."""

    limit: Limit = field(default_factory=Limit)
    rate: Rate = field(default_factory=Rate)
    circuit: Circuit = field(default_factory=Circuit)
    paused_until: float = -math.inf
    bad_since: float | None = None
    in_flight: int = 0
    num_refused: int = 0
    num_failed: int = 0

    def wait_s(self, now: float) -> float:
        """Seconds until a try may go: 0 is now, infinite is when one under way has ended."""
        if self.in_flight >= self.limit.value:
            return math.inf
        return max(self.circuit.wait_s(now), self.paused_until - now, self.rate.wait_s(now))

    def is_held(self, now: float) -> bool:
        """Whether the server answers nobody at present, or asked everybody to wait."""
        return self.circuit.is_open or self.paused_until > now

    def begin(self, now: float) -> Try:
        """Let one try go."""
        self.in_flight += 1
        self.limit.began(self.in_flight, now)
        self.rate.began(now)
        return Try(now, self.circuit.began())

    def end(self, one: Try, now: float, outcome: Outcome, retry_after_s: float | None = None) -> None:
        """Learn from how a try ended; ``retry_after_s`` holds the whole server back."""
        if outcome == Outcome.ANSWERED:
            self.circuit.answered()
            self.limit.answered(one.sent_at)
            self.bad_since = None
        elif outcome == Outcome.UNUSED:
            self.rate.unused(one.sent_at)
            self.circuit.unused(is_probe=one.is_probe)
        else:
            self._bad(one, now, outcome)
        self.in_flight -= 1
        self.paused_until = max(self.paused_until, now + (retry_after_s or 0.0))

    def _bad(self, one: Try, now: float, outcome: Outcome) -> None:
        self.bad_since = now if self.bad_since is None else self.bad_since
        if outcome == Outcome.REFUSED:
            self._refused(one, now)
            return
        self.num_failed += 1
        self.circuit.failed(now, is_probe=one.is_probe)
        if outcome == Outcome.CROWDED:
            self.limit.crowded(one.sent_at, now)

    def _refused(self, one: Try, now: float) -> None:
        """Find the rate. The limit stays: the rate keeps calls from piling up, and slow answers need many at once."""
        self.num_refused += 1
        self.rate.refused(one.sent_at, now)
        if one.is_probe:
            self.circuit.answered()


def backoff_s(num_tries: int, random: Random) -> float:
    """Full jitter: anything from 0 to a bound that doubles with every try (the first is 1)."""
    return random.uniform(0.0, min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(num_tries - 1, 10)))
