"""Which skills are shown weak: exact binomial tests against a threshold, Holm over skills.

The array functions take any leading axes, the last one being the skills, so that simulations run the very code
that decides.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import scipy

from diagnostics.domain.intervals import shrink

Floats = npt.NDArray[np.float64]

POWER = 0.8
NEVER = 10**9


class Verdict(StrEnum):
    """What the data show about a skill, against the threshold."""

    WEAK = "weak"
    NOT_WEAK = "not_weak"
    NOT_ENOUGH_DATA = "not_enough_data"


@dataclass(frozen=True)
class SkillVerdict:
    """One skill's verdict with its evidence.

    ``p_weak`` and ``p_not_weak`` are Holm-adjusted over the skills. ``num_more``: how many more items an open
    verdict needs at 80% power, None when decided or when that is more than this bank has left.
    """

    verdict: Verdict
    k: float
    n: float
    estimate: float
    p_weak: float
    p_not_weak: float
    num_more: int | None = None

    @property
    def sentence(self) -> str:
        """The verdict as the page says it."""
        if self.verdict != Verdict.NOT_ENOUGH_DATA:
            return self.verdict.value.replace("_", " ")
        return f"not enough data (needs {self.num_more:,} more)" if self.num_more else "not decidable with this bank"


def skill_verdicts(
    counts: Mapping[str, tuple[float, float]],
    *,
    tau: float = 0.7,
    alpha: float = 0.05,
    items_left: Mapping[str, int] | None = None,
    design_effects: Mapping[str, float] | None = None,
) -> dict[str, SkillVerdict]:
    """A verdict per skill from (right, asked); false flags in at most ``alpha`` of reports, over all skills.

    ``items_left`` is what the bank still holds for a skill (absent: no limit). ``design_effects`` divides the
    counts of items that share images before testing (Korn and Graubard 1998).
    """
    skills = list(counts)
    deffs = [(design_effects or {}).get(skill, 1.0) for skill in skills]
    k, n = np.array([counts[skill] for skill in skills], dtype=float).reshape(-1, 2).T / np.array(deffs)
    p_weak, p_not_weak = holm(weak_p_values(k, n, tau)), holm(not_weak_p_values(k, n, tau))
    means = {skill: posterior.mean for skill, posterior in shrink(counts).items()}
    verdicts = {}
    for i, skill in enumerate(skills):
        verdict, more = _verdict(p_weak[i], p_not_weak[i], alpha), None
        if verdict == Verdict.NOT_ENOUGH_DATA:
            needed = items_needed(means[skill], len(skills), tau=tau, alpha=alpha, deff=deffs[i])
            more = max(1, needed - math.floor(counts[skill][1]))
            more = more if more <= (items_left or {}).get(skill, NEVER - 1) else None
        verdicts[skill] = SkillVerdict(
            verdict, *counts[skill], means[skill], float(p_weak[i]), float(p_not_weak[i]), more
        )
    return verdicts


def items_needed(p: float, num_skills: int, *, tau: float = 0.7, alpha: float = 0.05, deff: float = 1.0) -> int:
    """Items in all that decide a skill of accuracy ``p`` among ``num_skills`` with 80% power; ``NEVER`` near tau."""
    if abs(tau - p) < 1e-6:
        return NEVER
    z_alpha, z_power = scipy.special.ndtri(1 - alpha / num_skills), scipy.special.ndtri(POWER)
    root = z_alpha * math.sqrt(tau * (1 - tau)) + z_power * math.sqrt(p * (1 - p))
    return min(NEVER, math.ceil(deff * (root / (tau - p)) ** 2))


def weak_p_values(k: npt.ArrayLike, n: npt.ArrayLike, tau: float) -> Floats:
    """P(at most k right of n) at accuracy tau: small when a skill is weak. Counts may be fractions."""
    right, asked = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    return np.where(asked - right > 0, scipy.special.betainc(np.maximum(asked - right, 1e-12), right + 1, 1 - tau), 1.0)


def not_weak_p_values(k: npt.ArrayLike, n: npt.ArrayLike, tau: float) -> Floats:
    """P(at least k right of n) at accuracy tau: small when a skill is strong. Counts may be fractions."""
    right, asked = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    return np.where(right > 0, scipy.special.betainc(np.maximum(right, 1e-12), asked - right + 1, tau), 1.0)


def holm(p: Floats) -> Floats:
    """Holm-adjusted p-values over the last axis."""
    order = np.argsort(p, axis=-1)
    steps = np.take_along_axis(p, order, axis=-1) * np.arange(p.shape[-1], 0, -1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(1.0, np.maximum.accumulate(steps, axis=-1)), axis=-1)
    return adjusted


def _verdict(p_weak: float, p_not_weak: float, alpha: float) -> Verdict:
    if p_weak <= alpha:
        return Verdict.WEAK
    return Verdict.NOT_WEAK if p_not_weak <= alpha else Verdict.NOT_ENOUGH_DATA
