"""Verdicts that stay valid however often one looks: e-processes for active diagnosis.

Both mix uniformly over the accuracies of their alternative, so that E starts at 1 and, under its null hypothesis,
exceeds m / alpha with probability at most alpha / m (Ville), whenever one stops.
"""

import math

import numpy as np
import numpy.typing as npt
import scipy

from diagnostics.domain.verdicts import Floats, Verdict


def log_e_weak(k: npt.ArrayLike, n: npt.ArrayLike, tau: float) -> Floats:
    """log E against "accuracy >= tau" after k right of n; arrays broadcast."""
    right, asked = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    a, b = right + 1, asked - right + 1
    null = a * math.log(tau) + (b - 1) * math.log1p(-tau)
    return _log_mixture(a, b, scipy.special.betainc(a, b, tau), null)


def log_e_strong(k: npt.ArrayLike, n: npt.ArrayLike, tau: float) -> Floats:
    """log E against "accuracy < tau" after k right of n; arrays broadcast."""
    right, asked = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    a, b = right + 1, asked - right + 1
    null = (a - 1) * math.log(tau) + b * math.log1p(-tau)
    return _log_mixture(a, b, scipy.special.betaincc(a, b, tau), null)


def decide(k: int, n: int, num_skills: int, *, tau: float = 0.7, alpha: float = 0.05) -> Verdict:
    """The verdict on one of ``num_skills`` skills after k right of n, at E >= num_skills / alpha."""
    bar = math.log(num_skills / alpha)
    if log_e_weak(k, n, tau) >= bar:
        return Verdict.WEAK
    return Verdict.NOT_WEAK if log_e_strong(k, n, tau) >= bar else Verdict.NOT_ENOUGH_DATA


def e_bh(log_e: npt.ArrayLike, alpha: float = 0.05) -> npt.NDArray[np.bool_]:
    """Which of these slices are discoveries at false discovery rate ``alpha``, whatever their dependence (e-BH).

    The r largest are, for the largest r whose r-th e-value is at least m / (alpha * r).
    """
    values = np.asarray(log_e, dtype=float)
    ranked = np.sort(values)[::-1]
    bars = -np.log(np.arange(1, len(values) + 1) / max(1, len(values)) * alpha)
    passed = np.flatnonzero(ranked >= bars)
    return values >= ranked[passed[-1]] if len(passed) else np.zeros(len(values), dtype=bool)


def _log_mixture(a: Floats, b: Floats, share: Floats, log_null: Floats) -> Floats:
    """log of the Beta integral's ``share`` over the null; a share too small for a float makes E zero: no evidence."""
    with np.errstate(divide="ignore"):
        log_e: Floats = scipy.special.betaln(a, b) + np.log(share) - log_null
    return log_e
