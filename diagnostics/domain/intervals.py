"""Intervals for shares of right answers: Wilson, clustered, and shrinkage over skills.

Printed intervals use raw counts. Shrunken values feed display and mixture only (statistics.md).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

Floats = npt.NDArray[np.float64]

MIN_EFFECTIVE_CLUSTERS = 20
MIN_PRIOR_WEIGHT, MAX_PRIOR_WEIGHT = 2.0, 100.0


@dataclass(frozen=True)
class Interval:
    """Two bounds of a share, low <= high."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class ClusteredInterval:
    """An interval for items that share images. ``effective_clusters`` is G* = (sum m)^2 / sum m^2."""

    interval: Interval
    design_effect: float
    effective_clusters: float

    @property
    def has_too_few_images(self) -> bool:
        """Whether the page must say "too few images" instead of trusting the interval."""
        return self.effective_clusters < MIN_EFFECTIVE_CLUSTERS


@dataclass(frozen=True)
class Posterior:
    """A Beta distribution of a skill's true accuracy."""

    alpha: float
    beta: float

    @property
    def mean(self) -> float:
        """The expected accuracy."""
        return self.alpha / (self.alpha + self.beta)

    def below(self, accuracy: float) -> float:
        """The probability that the true accuracy lies below ``accuracy``."""
        return float(scipy.special.betainc(self.alpha, self.beta, accuracy))


def wilson(k: float, n: float, confidence: float = 0.95) -> Interval:
    """Wilson's score interval for k right of n; all of [0, 1] without data. Claimed for n >= 100, .05 <= k/n <= .95."""
    return _score_interval(k, n, float(scipy.special.ndtri(0.5 + confidence / 2)))


def design_effect(clusters: Sequence[tuple[float, int]]) -> float:
    """max(1, V_CR1 / V_binomial) for clusters of (right, items); sum m^2 / sum m when the binomial variance is zero."""
    right, size = _columns(clusters)
    n, groups = size.sum(), len(size)
    share = right.sum() / n
    if groups < 2 or share * (1 - share) <= 0:
        return float((size**2).sum() / n)
    robust = groups / (groups - 1) * ((right - share * size) ** 2).sum() / n**2
    return max(1.0, float(robust / (share * (1 - share) / n)))


def effective_clusters(clusters: Sequence[tuple[float, int]]) -> float:
    """G* = (sum m)^2 / sum m^2: as many equal clusters as these are worth."""
    _, size = _columns(clusters)
    return float(size.sum() ** 2 / (size**2).sum()) if len(size) else 0.0


def clustered_interval(clusters: Sequence[tuple[float, int]], confidence: float = 0.95) -> ClusteredInterval:
    """Wilson on n / deff with t at G* - 1 degrees of freedom, for clusters of (right, items).

    With several answers an item, ``right`` is a sum of item means. Claimed for >= 100 clusters of 1-40,
    ICC <= .7, .1 <= p <= .8: mean coverage .93-.97.
    """
    clusters = [(k, m) for k, m in clusters if m > 0]
    worth = effective_clusters(clusters)
    if worth <= 1:
        return ClusteredInterval(Interval(0.0, 1.0), float(sum(m for _, m in clusters)) or 1.0, worth)
    deff = design_effect(clusters)
    right, size = _columns(clusters)
    quantile = float(scipy.special.stdtrit(worth - 1, 0.5 + confidence / 2))
    interval = _score_interval(float(right.sum()) / deff, float(size.sum()) / deff, quantile)
    return ClusteredInterval(interval, deff, worth)


def shrink(counts: Mapping[str, tuple[float, float]]) -> dict[str, Posterior]:
    """Each skill's posterior under a Beta prior fitted to all skills by maximum likelihood (empirical Bayes).

    ``counts`` maps a skill to (right, asked); a skill that was not asked gets the prior. The prior weighs at
    least 2 and at most 100 answers, and is Jeffreys' when fewer than two skills were asked.
    """
    prior = fit_prior([(k, n) for k, n in counts.values() if n > 0])
    return {skill: Posterior(prior.alpha + k, prior.beta + n - k) for skill, (k, n) in counts.items()}


def fit_prior(counts: Sequence[tuple[float, float]]) -> Posterior:
    """The Beta prior that makes these (right, asked) most likely under a beta-binomial."""
    if len(counts) < 2:
        return Posterior(0.5, 0.5)
    k, n = np.array(counts, dtype=float).T

    def surprise(point: Floats) -> float:
        mean, weight = scipy.special.expit(point[0]), math.exp(point[1])
        a, b = mean * weight, (1 - mean) * weight
        return float(-(scipy.special.betaln(a + k, b + n - k) - scipy.special.betaln(a, b)).sum())

    start = [scipy.special.logit((k.sum() + 1) / (n.sum() + 2)), math.log(10.0)]
    bounds = [(-6.0, 6.0), (math.log(MIN_PRIOR_WEIGHT), math.log(MAX_PRIOR_WEIGHT))]
    best = scipy.optimize.minimize(surprise, start, bounds=bounds, method="L-BFGS-B").x
    mean, weight = float(scipy.special.expit(best[0])), math.exp(best[1])
    return Posterior(mean * weight, (1 - mean) * weight)


def _columns(clusters: Sequence[tuple[float, int]]) -> tuple[Floats, Floats]:
    table = np.array(clusters, dtype=float).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _score_interval(k: float, n: float, quantile: float) -> Interval:
    if n <= 0:
        return Interval(0.0, 1.0)
    share, square = k / n, quantile**2
    centre = (share + square / (2 * n)) / (1 + square / n)
    reach = quantile / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return Interval(max(0.0, centre - reach), min(1.0, centre + reach))
