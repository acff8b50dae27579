"""The gate: promote when the targets improve and every protected suite is shown to have lost less than a margin.

What such a gate can see is computed here too, before any money is spent.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import scipy

from diagnostics.domain.paired import Paired, mcnemar_greater, paired_counts, pooled_difference, tango_statistic

MARGIN: Final = 0.03
ALPHA: Final = 0.05
MIN_COVERAGE: Final = 0.99
POWER: Final = 0.8
WIDTH: Final = 7

Counts = tuple[int, int, int]
"""Items gained, items lost, items in all."""


class Decision(StrEnum):
    """What the gate decides by itself."""

    PROMOTE = "promote"
    WAIT = "wait"


@dataclass(frozen=True)
class TargetTest:
    """The pooled test of the targets: one-sided p-value against "no gain", and the difference."""

    p_value: float
    diff: float
    is_ok: bool


@dataclass(frozen=True)
class ProtectedSuite:
    """One protected suite: its difference, one-sided lower bound, and whether that lies above -margin."""

    suite: str
    diff: float
    lower: float
    is_ok: bool


@dataclass(frozen=True)
class GateResult:
    """The decision with its evidence; ``reasons`` are sentences for the person who decides when the gate waits."""

    decision: Decision
    target: TargetTest | None
    protected: tuple[ProtectedSuite, ...]
    reasons: tuple[str, ...]


def gate_decide(
    targets: Mapping[str, Counts],
    protected: Mapping[str, Counts],
    *,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    unscored: Mapping[str, int] | None = None,
) -> GateResult:
    """The gate on independent items, from (gained, lost, items) per suite.

    Exact one-sided McNemar over all target items at ``alpha``, and Tango's 95% lower bound on every protected
    suite (intersection-union: no correction). Where items share images, use ``gate_decide_paired``. A suite whose
    ``unscored`` items are more than 1% is judged by its worst case.
    """
    missing = unscored or {}
    b, c, n = (sum(_judged(counts, missing.get(s, 0))[i] for s, counts in targets.items()) for i in range(3))
    p_value = mcnemar_greater(b, c)
    target = TargetTest(p_value, (b - c) / n, p_value <= alpha) if n else None
    rows = [_row(suite, _judged(counts, missing.get(suite, 0)), margin) for suite, counts in protected.items()]
    worst = [s for s, counts in {**targets, **protected}.items() if _judged(counts, missing.get(s, 0)) != counts]
    return _result(target, rows, [_worst_sentence(suite, missing[suite]) for suite in worst], margin)


def gate_decide_paired(
    targets: Mapping[str, Paired], protected: Mapping[str, Paired], *, margin: float = MARGIN, alpha: float = ALPHA
) -> GateResult:
    """The gate where items share images or have several answers: the targets' mean difference, each suite's bound."""
    rows = [ProtectedSuite(s, pair.diff, pair.lower, pair.lower > -margin) for s, pair in protected.items()]
    pooled = next(iter(targets.values())) if len(targets) == 1 else pooled_difference(targets) if targets else None
    target = TargetTest(pooled.p_gain, pooled.diff, pooled.p_gain <= alpha) if pooled else None
    return _result(target, rows, [], margin)


def worst_case(counts: Counts, num_unscored: int) -> Counts:
    """The counts had every unscored item been right before and wrong after; for coverage below 99%."""
    b, c, n = counts
    return b, c + num_unscored, n + num_unscored


def items_needed(diff: float, discordance: float, power: float = POWER, alpha: float = ALPHA) -> int:
    """Items for a two-sided McNemar test to see ``diff`` when ``discordance`` of the items change (Connor 1987)."""
    if not 0 < abs(diff) <= discordance:
        raise ValueError(f"A difference of {diff} cannot come from {discordance} of the items.")
    z_alpha, z_power = scipy.special.ndtri(1 - alpha / 2), scipy.special.ndtri(power)
    root = z_alpha * math.sqrt(discordance) + z_power * math.sqrt(discordance - diff**2)
    return math.ceil((root / diff) ** 2)


def detectable_difference(n: int, discordance: float, power: float = POWER, alpha: float = ALPHA) -> float | None:
    """The smallest difference that ``n`` items show with this power; None when even the largest would not be seen."""
    z_alpha, z_power = float(scipy.special.ndtri(1 - alpha / 2)), float(scipy.special.ndtri(power))

    def excess(diff: float) -> float:
        return diff * math.sqrt(n) - z_alpha * math.sqrt(discordance) - z_power * math.sqrt(discordance - diff**2)

    return float(scipy.optimize.brentq(excess, 0, discordance)) if excess(discordance) > 0 else None


def target_power(n: int, discordance: float, gain: float, alpha: float = ALPHA) -> float:
    """The probability that exact one-sided McNemar shows a true ``gain`` over ``n`` pooled target items."""
    gained, lost, chance = _outcomes(n, discordance, gain)
    return float(chance[(scipy.special.bdtr(lost, gained + lost, 0.5) <= alpha) & (gained > lost)].sum())


def suite_pass_probability(
    n: int, discordance: float, diff: float = 0.0, *, margin: float = MARGIN, alpha: float = ALPHA
) -> float:
    """The probability that one protected suite of ``n`` items passes when its true difference is ``diff``."""
    gained, lost, chance = _outcomes(n, discordance, diff)
    passes = tango_statistic(gained, lost, n, -margin) > scipy.special.ndtri(1 - alpha)
    return float(chance[passes].sum())


def promotion_probability(
    n: int,
    discordance: float,
    *,
    margin: float = MARGIN,
    num_protected: int = 8,
    loss: float = 0.0,
    power_of_targets: float = 1.0,
) -> float:
    """P(promote) when one protected suite truly changed by ``-loss`` and the others not at all.

    Suites have ``n`` items each and are independent. ``loss=0`` is P(promote | neutral on what is protected),
    ``loss=margin`` the chance of promoting a model at the margin. ``power_of_targets`` comes from ``target_power``.
    """
    neutral = suite_pass_probability(n, discordance, margin=margin)
    if not num_protected:
        return power_of_targets
    if not loss:
        return power_of_targets * neutral**num_protected
    lost = suite_pass_probability(n, discordance, -loss, margin=margin)
    return power_of_targets * lost * neutral ** (num_protected - 1)


def _judged(counts: Counts, num_unscored: int) -> Counts:
    """The counts themselves, or their worst case where more than 1% of the items have no score."""
    return (
        worst_case(counts, num_unscored) if num_unscored > (1 - MIN_COVERAGE) * (counts[2] + num_unscored) else counts
    )


def _row(suite: str, counts: Counts, margin: float) -> ProtectedSuite:
    if not counts[2]:
        return ProtectedSuite(suite, 0.0, -1.0, False)
    pair = paired_counts(*counts)
    return ProtectedSuite(suite, pair.diff, pair.lower, pair.lower > -margin)


def _result(
    target: TargetTest | None, rows: Sequence[ProtectedSuite], notes: Sequence[str], margin: float
) -> GateResult:
    is_ok = target is not None and target.is_ok and all(row.is_ok for row in rows)
    failed = [_suite_sentence(row, margin) for row in rows if not row.is_ok]
    reasons = (_target_sentence(target), *(failed or [_held_sentence(len(rows), margin)]), *notes)
    return GateResult(Decision.PROMOTE if is_ok else Decision.WAIT, target, tuple(rows), reasons)


def _target_sentence(target: TargetTest | None) -> str:
    if target is None:
        return "There is no target suite, so no improvement can be shown."
    shown = "improved" if target.is_ok else "are not shown to improve"
    return f"The targets {shown}: {_points(target.diff)} (one-sided p = {target.p_value:.3g})."


def _suite_sentence(row: ProtectedSuite, margin: float) -> str:
    lost = f"{row.suite} may have lost {_size(margin)} or more"
    return f"{lost}: {_points(row.diff)}, lower bound {_points(row.lower)}."


def _held_sentence(num_suites: int, margin: float) -> str:
    if not num_suites:
        return "No suite is protected."
    return f"No protected suite lost {_size(margin)}: all {num_suites} bounds hold."


def _points(change: float) -> str:
    return f"{100 * change:+.1f} points"


def _size(margin: float) -> str:
    return f"{100 * margin:.3g} points"


def _worst_sentence(suite: str, num_unscored: int) -> str:
    return f"{suite} has {num_unscored} unscored items: they count as right before and wrong after."


def _outcomes(n: int, discordance: float, diff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All likely (gained, lost) of ``n`` items with their probabilities: exact up to ``WIDTH`` standard deviations."""
    if not abs(diff) <= discordance <= 1:
        raise ValueError(f"A difference of {diff} cannot come from {discordance} of the items.")
    gain, loss = (discordance + diff) / 2, (discordance - diff) / 2
    gained, lost = np.meshgrid(_around(n, gain), _around(n, loss), indexing="ij")
    same = n - gained - lost
    ways = scipy.special.gammaln(n + 1) - scipy.special.gammaln(gained + 1) - scipy.special.gammaln(lost + 1)
    log_chance = (
        scipy.special.xlogy(gained, gain) + scipy.special.xlogy(lost, loss) + scipy.special.xlogy(same, 1 - discordance)
    )
    chance = np.where(same >= 0, np.exp(ways - scipy.special.gammaln(np.maximum(same, 0) + 1) + log_chance), 0.0)
    return gained, lost, chance


def _around(n: int, share: float) -> np.ndarray:
    reach = WIDTH * math.sqrt(n * share * (1 - share)) + WIDTH
    return np.arange(max(0, math.floor(n * share - reach)), min(n, math.ceil(n * share + reach)) + 1)
