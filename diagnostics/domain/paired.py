"""Two models on the same items: McNemar, Tango's interval, and differences over several suites.

Throughout ``b`` counts items that were gained (wrong before, right after), ``c`` items that were lost, and the
difference is (b - c) / n. Bounds called lower are one-sided at 95% unless said otherwise.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from diagnostics.domain.intervals import Floats, Interval

ONE_SIDED: Final = 0.90


@dataclass(frozen=True)
class Paired:
    """A paired difference (after - before) over ``n`` items: its two-sided 95% interval and one-sided lower bound.

    ``p_gain`` is the one-sided p-value against "no gain". ``b`` and ``c`` are sums of gains and losses where an
    item's value is a mean of several answers; ``num_clusters`` is None where items are independent.
    """

    diff: float
    lower: float
    interval: Interval
    p_gain: float
    b: float
    c: float
    n: int
    num_clusters: int | None = None


@dataclass(frozen=True)
class Pooled:
    """The mean difference over suites with equal weights, its two-sided 95% interval and one-sided lower bound."""

    diff: float
    lower: float
    interval: Interval

    @property
    def p_gain(self) -> float:
        """The one-sided p-value against "no gain" that goes with the lower bound: at most .05 when that is >= 0."""
        reach = self.diff - self.lower
        return (
            float(scipy.special.ndtr(scipy.special.ndtri(0.05) * self.diff / reach))
            if reach > 0
            else float(self.diff <= 0)
        )


def mcnemar_greater(b: int, c: int) -> float:
    """The exact one-sided p-value against "gains are not likelier than losses"."""
    return float(scipy.special.bdtr(c, b + c, 0.5))


def mcnemar_two_sided(b: int, c: int) -> float:
    """The exact two-sided p-value against "gains and losses are equally likely"."""
    return min(1.0, 2 * float(scipy.special.bdtr(min(b, c), b + c, 0.5)))


def tango_statistic(b: npt.ArrayLike, c: npt.ArrayLike, n: npt.ArrayLike, delta: float) -> Floats:
    """Tango's score statistic (1998) against a true difference ``delta``, standard normal there; arrays broadcast."""
    gained, lost, items = (np.asarray(x, dtype=float) for x in (b, c, n))
    slope = (2 * items - gained + lost) * delta - gained - lost
    q = (np.sqrt(np.maximum(slope**2 + 8 * items * lost * delta * (1 - delta), 0)) - slope) / (4 * items)
    variance = items * (2 * q + delta * (1 - delta))
    excess = gained - lost - items * delta
    certain = np.where(np.abs(excess) < 1e-9, 0.0, np.copysign(np.inf, excess))
    return np.where(variance > 1e-12, excess / np.sqrt(np.maximum(variance, 1e-12)), certain)


def tango_interval(b: int, c: int, n: int, confidence: float = 0.95) -> Interval:
    """Tango's score interval of the difference."""
    z = float(scipy.special.ndtri(0.5 + confidence / 2))
    return Interval(_tango_bound(b, c, n, z), -_tango_bound(c, b, n, z))


def tango_lower(b: int, c: int, n: int) -> float:
    """The one-sided 95% lower bound of the difference."""
    return tango_interval(b, c, n, ONE_SIDED).low


def paired_difference(
    before: npt.ArrayLike, after: npt.ArrayLike, clusters: Sequence[Hashable] | None = None
) -> Paired:
    """Compare two runs item by item: right or wrong, or each item's share of right answers.

    Right or wrong on independent items: exact McNemar and Tango. Shares, or items that share an image (their
    ``clusters``): t on item or cluster totals, CR1, with G* - 1 degrees of freedom.
    """
    first, second = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    if first.shape != second.shape or not len(first) or (clusters is not None and len(clusters) != len(first)):
        raise ValueError("A paired comparison needs the same items before and after, at least one.")
    change = second - first
    b, c = float(change[change > 0].sum()), float(-change[change < 0].sum())
    are_binary = bool(np.isin(first, (0, 1)).all() and np.isin(second, (0, 1)).all())
    if are_binary and clusters is None:
        return paired_counts(int(b), int(c), len(change))
    return _clustered(change, b, c, clusters)


def paired_counts(b: int, c: int, n: int) -> Paired:
    """The comparison of independent items from its counts alone."""
    return Paired((b - c) / n, tango_lower(b, c, n), tango_interval(b, c, n), mcnemar_greater(b, c), b, c, n)


def pooled_difference(suites: Mapping[str, Paired]) -> Pooled:
    """The mean over suites, each weighing the same whatever its size.

    Bounds by MOVER (Zou and Donner 2008): the suites' own distances to their bounds, added as squares, so that
    a suite without a single changed item still adds its uncertainty.
    """
    parts = list(suites.values())
    diff = math.fsum(part.diff for part in parts) / len(parts)

    def distance(bound: Callable[[Paired], float]) -> float:
        return math.sqrt(math.fsum((part.diff - bound(part)) ** 2 for part in parts)) / len(parts)

    interval = Interval(diff - distance(lambda s: s.interval.low), diff + distance(lambda s: s.interval.high))
    return Pooled(diff, diff - distance(lambda s: s.lower), interval)


def _tango_bound(b: int, c: int, n: int, z: float) -> float:
    """The smallest difference that the score test at ``z`` does not reject."""

    def excess(delta: float) -> float:
        return float(tango_statistic(b, c, n, delta)) - z

    low, high = -1 + 1e-12, (b - c) / n
    if high <= low or excess(low) <= 0:
        return -1.0
    return float(scipy.optimize.brentq(excess, low, high, xtol=1e-10))


def _clustered(change: Floats, b: float, c: float, clusters: Sequence[Hashable] | None) -> Paired:
    n, diff = len(change), float(change.mean())
    totals, sizes = _cluster_totals(change, range(n) if clusters is None else clusters)
    groups = len(totals)
    freedom = float(n**2 / (sizes**2).sum()) - 1
    if freedom <= 0:
        return Paired(diff, -1.0, Interval(-1.0, 1.0), 1.0, b, c, n, groups)
    error = math.sqrt(groups / (groups - 1) * ((totals - diff * sizes) ** 2).sum()) / n
    wide, narrow = (float(scipy.special.stdtrit(freedom, level)) * error for level in (0.975, 0.95))
    p_gain = float(scipy.special.stdtr(freedom, -diff / error)) if error else float(diff <= 0)
    interval = Interval(diff - wide, diff + wide)
    return Paired(diff, diff - narrow, interval, p_gain, b, c, n, None if clusters is None else groups)


def _cluster_totals(change: Floats, clusters: Sequence[Hashable]) -> tuple[Floats, Floats]:
    """Each cluster's summed change and its number of items."""
    members: dict[Hashable, list[float]] = defaultdict(list)
    for key, value in zip(clusters, change.tolist(), strict=True):
        members[key].append(value)
    return np.array([math.fsum(v) for v in members.values()]), np.array([float(len(v)) for v in members.values()])
