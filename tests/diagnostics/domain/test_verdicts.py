"""Verdicts flag weak skills, and seldom others."""

import time

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from diagnostics.domain.verdicts import (
    NEVER,
    Floats,
    Verdict,
    holm,
    items_needed,
    not_weak_p_values,
    skill_verdicts,
    weak_p_values,
)

REPORTS = 10_000
ALLOWED = 0.05 + 2 * (0.05 * 0.95 / REPORTS) ** 0.5


def _reports(accuracies: list[float], seed: int, n: int = 200) -> tuple[Floats, Floats]:
    """Holm-adjusted p-values (weak, not weak) of many simulated reports."""
    k = np.random.default_rng(seed).binomial(n, accuracies, (REPORTS, len(accuracies)))
    return holm(weak_p_values(k, n, 0.7)), holm(not_weak_p_values(k, n, 0.7))


def test_when_every_skill_stands_at_the_threshold_few_reports_flag_any() -> None:
    started = time.process_time()
    weak, not_weak = _reports([0.7] * 11, seed=1)
    assert time.process_time() - started < 2
    assert 0.005 < (weak.min(axis=1) <= 0.05).mean() <= ALLOWED
    assert 0.005 < (not_weak.min(axis=1) <= 0.05).mean() <= ALLOWED


@pytest.mark.parametrize("n", [17, 200, 2000])
def test_true_weak_skills_do_not_make_false_flags_likelier(n: int) -> None:
    weak, _ = _reports([0.4] * 3 + [0.7] * 8, seed=2, n=n)
    assert (weak[:, 3:].min(axis=1) <= 0.05).mean() <= ALLOWED
    if n >= 200:
        assert (weak[:, :3] <= 0.05).mean() > 0.999


def test_a_threshold_that_no_skill_touches_proves_nothing() -> None:
    weak, _ = _reports([0.8] * 11, seed=3)
    assert (weak <= 0.05).mean() == 0


@pytest.mark.parametrize(("accuracy", "power"), [(0.64, 0.21), (0.59, 0.74), (0.55, 0.96), (0.50, 0.999)])
def test_two_hundred_probes_have_the_power_that_the_docs_state(accuracy: float, power: float) -> None:
    k = np.arange(201)
    flagged = weak_p_values(k, 200, 0.7) * 11 <= 0.05
    assert stats.binom.pmf(k, 200, accuracy)[flagged].sum() == pytest.approx(power, abs=0.006)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (0, 17), (17, 17), (130, 200), (1, 1)])
def test_p_values_are_the_exact_binomial_ones(k: int, n: int) -> None:
    assert weak_p_values(k, n, 0.7) == pytest.approx(stats.binom.cdf(k, n, 0.7))
    assert not_weak_p_values(k, n, 0.7) == pytest.approx(stats.binom.sf(k - 1, n, 0.7))


def test_holm_agrees_with_statsmodels() -> None:
    p = np.random.default_rng(4).uniform(0, 0.2, (5, 11))
    for row, adjusted in zip(p, holm(p), strict=True):
        assert adjusted == pytest.approx(multipletests(row, method="holm")[1])


# At p = .60 the formula gives 258.48 items, which the notes round down and a reader must round up.
@pytest.mark.parametrize(("p", "n"), [(0.40, 29), (0.60, 259), (0.65, 1020), (0.70, NEVER)])
def test_the_items_that_a_verdict_needs(p: float, n: int) -> None:
    assert items_needed(p, 11) == n


def test_items_that_share_images_are_worth_less() -> None:
    assert items_needed(0.60, 11, deff=2) == 517
    counts = {"a": (110, 200), "b": (190, 200)}
    assert skill_verdicts(counts)["a"].verdict is Verdict.WEAK
    assert skill_verdicts(counts, design_effects={"a": 5.0})["a"].verdict is Verdict.NOT_ENOUGH_DATA


def test_a_report_says_weak_not_weak_or_how_much_is_missing() -> None:
    counts = {"count": (60, 200), "colour": (198, 200), "clock": (12, 20), "sum": (139, 200), "new": (0, 0)}
    report = skill_verdicts(counts, items_left={"clock": 500, "sum": 500})
    assert report["count"].sentence == "weak"
    assert report["colour"].sentence == "not weak"
    assert report["clock"].num_more is not None
    assert report["clock"].sentence == f"not enough data (needs {report['clock'].num_more:,} more)"
    assert report["sum"].sentence == "not decidable with this bank"
    assert (report["new"].verdict, report["new"].p_weak) == (Verdict.NOT_ENOUGH_DATA, 1.0)


def test_a_bank_that_is_used_up_decides_nothing_more() -> None:
    counts = {"clock": (12, 20), "colour": (20, 20)}
    assert skill_verdicts(counts)["clock"].num_more
    assert skill_verdicts(counts, items_left={"clock": 0})["clock"].num_more is None


def test_no_skills_make_an_empty_report() -> None:
    assert skill_verdicts({}) == {}
