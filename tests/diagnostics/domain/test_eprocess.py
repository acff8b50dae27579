"""Active diagnosis may look after every answer and still flags seldom by mistake."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from diagnostics.domain.eprocess import decide, e_bh, log_e_strong, log_e_weak
from diagnostics.domain.verdicts import Verdict, weak_p_values

NUM_SKILLS, LOOKS, REPORTS = 11, 600, 1_000


def _ever_decided(rule: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> float:
    """The share of reports, all skills at the threshold, in which ``rule(k, n)`` decides any skill at any look."""
    k, n = np.meshgrid(np.arange(LOOKS + 1), np.arange(LOOKS + 1), indexing="ij")
    decided = np.zeros(k.shape, dtype=bool)
    decided[k <= n] = rule(k[k <= n], n[k <= n])
    right = np.random.default_rng(1).random((REPORTS, NUM_SKILLS, LOOKS), dtype=np.float32) < 0.7
    return float(decided[right.cumsum(axis=-1), np.arange(1, LOOKS + 1)].any(axis=(1, 2)).mean())


def test_nothing_is_known_before_the_first_answer() -> None:
    assert log_e_weak(0, 0, 0.7) == pytest.approx(0)
    assert log_e_strong(0, 0, 0.7) == pytest.approx(0)
    assert decide(0, 0, 1) is Verdict.NOT_ENOUGH_DATA


@pytest.mark.parametrize("n", [1, 20, 150])
def test_at_the_threshold_both_are_worth_one_on_average(n: int) -> None:
    k = np.arange(n + 1)
    chance = stats.binom.pmf(k, n, 0.7)
    assert (chance * np.exp(log_e_weak(k, n, 0.7))).sum() == pytest.approx(1)
    assert (chance * np.exp(log_e_strong(k, n, 0.7))).sum() == pytest.approx(1)


@pytest.mark.parametrize("log_e", [log_e_weak, log_e_strong])
def test_looking_after_every_answer_flags_few_skills_by_mistake(log_e: Callable[..., np.ndarray]) -> None:
    assert _ever_decided(lambda k, n: log_e(k, n, 0.7) >= np.log(NUM_SKILLS / 0.05)) <= 0.05


def test_looking_after_every_answer_with_exact_tests_would_not_do() -> None:
    assert _ever_decided(lambda k, n: weak_p_values(k, n, 0.7) * NUM_SKILLS <= 0.05) > 0.2


def test_clear_skills_are_decided_soon() -> None:
    assert decide(5, 30, NUM_SKILLS) is Verdict.WEAK
    assert decide(45, 45, NUM_SKILLS) is Verdict.NOT_WEAK
    assert decide(21, 30, NUM_SKILLS) is Verdict.NOT_ENOUGH_DATA


def test_long_runs_neither_overflow_nor_warn() -> None:
    assert decide(0, 1_000_000, NUM_SKILLS) is Verdict.WEAK
    assert decide(1_000_000, 1_000_000, NUM_SKILLS) is Verdict.NOT_WEAK
    assert log_e_weak(1_000_000, 1_000_000, 0.7) == -np.inf


def test_slices_are_discoveries_by_e_bh() -> None:
    e = np.array([100.0, 45.0, 1.0, 0.1])
    assert e_bh(np.log(e)).tolist() == [True, True, False, False]
    assert e_bh(np.log([79.0, 1.0, 1.0, 1.0])).tolist() == [False] * 4
    assert e_bh([]).tolist() == []
