"""How fast calls are answered, and how long they take, from the last minutes of a ledger."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

BUCKET_S: Final = 10
NUM_BUCKETS: Final = 30
WINDOW: Final = timedelta(seconds=BUCKET_S * NUM_BUCKETS)
MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Second:
    """Calls of one endpoint that ended in the second that begins ``at``; those without an answer are not ``ok``."""

    at: datetime
    endpoint: int
    is_ok: bool
    calls: int


@dataclass(frozen=True)
class Bucket:
    """Calls that ended in the ``BUCKET_S`` seconds from ``start``."""

    start: datetime
    ok: int
    errors: int

    @property
    def rate(self) -> float:
        """Calls a second."""
        return (self.ok + self.errors) / BUCKET_S


@dataclass(frozen=True)
class Latency:
    """How long answered calls took, from the ``num`` newest."""

    num: int
    median_ms: float
    p95_ms: float


def bucket_start(at: datetime) -> datetime:
    """When the bucket of this moment began; the same for everybody who looks."""
    return at.replace(second=at.second - at.second % BUCKET_S, microsecond=0)


def buckets_of(seconds: Iterable[Second], until: datetime) -> list[Bucket]:
    """The window's buckets in order, empty ones too; the last one is the one under way at ``until``."""
    ok: Counter[datetime] = Counter()
    errors: Counter[datetime] = Counter()
    for one in seconds:
        (ok if one.is_ok else errors)[bucket_start(one.at)] += one.calls
    last = bucket_start(until)
    starts = [last - timedelta(seconds=BUCKET_S * back) for back in reversed(range(NUM_BUCKETS))]
    return [Bucket(start, ok[start], errors[start]) for start in starts]


def rate_of(seconds: Iterable[Second], until: datetime) -> float:
    """Calls a second over the minute before ``until``."""
    return sum(one.calls for one in seconds if until - MINUTE <= one.at <= until) / MINUTE.total_seconds()


def latency_of(times_ms: Sequence[int]) -> Latency | None:
    """Median and 95th percentile (nearest rank); None without any."""
    if not times_ms:
        return None
    ordered = sorted(times_ms)
    return Latency(len(ordered), median(ordered), ordered[math.ceil(0.95 * len(ordered)) - 1])
