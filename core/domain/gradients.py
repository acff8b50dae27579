"""How likely a group of answers gives a gradient, from how often the model was right before."""

import math
from collections.abc import Sequence

JEFFREYS = 0.5
Difficulty = tuple[int, int, int]  # right answers, scored answers, how many samples have both


def gradient_chance(alpha: float, beta: float, group_size: int) -> float:
    """E[1 - p^g - (1-p)^g] for p from Beta(alpha, beta): a group of g has both right and wrong answers."""
    return 1 - _all_alike(alpha, beta, group_size) - _all_alike(beta, alpha, group_size)


def _all_alike(alpha: float, beta: float, count: int) -> float:
    """E[p^count]."""
    return math.exp(_log_beta(alpha + count, beta) - _log_beta(alpha, beta))


def _log_beta(alpha: float, beta: float) -> float:
    return math.lgamma(alpha) + math.lgamma(beta) - math.lgamma(alpha + beta)


def gradient_share(difficulty: Sequence[Difficulty], group_size: int) -> float:
    """The expected share of groups with a gradient over all samples."""
    samples = sum(count for _, _, count in difficulty)
    chances = (
        count * gradient_chance(right + JEFFREYS, scored - right + JEFFREYS, group_size)
        for right, scored, count in difficulty
    )
    return sum(chances) / samples
