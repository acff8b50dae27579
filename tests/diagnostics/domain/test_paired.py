"""Paired comparisons say what changed, how surely, and what could not have been seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar

from diagnostics.domain.intervals import Interval
from diagnostics.domain.paired import (
    Paired,
    mcnemar_greater,
    mcnemar_two_sided,
    paired_counts,
    paired_difference,
    pooled_difference,
    tango_interval,
    tango_lower,
    tango_statistic,
)

COUNTS = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 2000)).map(
    lambda t: (t[0], t[1], t[0] + t[1] + t[2] or 1)
)


@pytest.mark.parametrize(
    ("b", "c", "n", "low", "high"), [(12, 2, 50, 0.0611, 0.3447), (60, 100, 2000, -0.0327, -0.0077)]
)
def test_tangos_interval_has_its_published_values(b: int, c: int, n: int, low: float, high: float) -> None:
    interval = tango_interval(b, c, n)
    assert (interval.low, interval.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (12, 2), (2, 12), (60, 100)])
def test_mcnemar_agrees_with_statsmodels(b: int, c: int) -> None:
    assert mcnemar_two_sided(b, c) == pytest.approx(mcnemar([[5, b], [c, 5]], exact=True).pvalue)


def test_mcnemars_one_sided_test_looks_for_gains() -> None:
    assert mcnemar_greater(12, 2) == pytest.approx((1 + 14 + 91) / 2**14)
    assert mcnemar_greater(2, 12) > 0.99
    assert mcnemar_greater(0, 0) == 1


@given(COUNTS)
@settings(deadline=None)
def test_intervals_hold_the_difference_and_turn_round_with_the_runs(counts: tuple[int, int, int]) -> None:
    b, c, n = counts
    there, back = tango_interval(b, c, n), tango_interval(c, b, n)
    assert -1 <= there.low <= (b - c) / n <= there.high <= 1
    assert (there.low, there.high) == (pytest.approx(-back.high), pytest.approx(-back.low))
    assert there.low <= tango_lower(b, c, n) <= (b - c) / n


@given(COUNTS, st.sampled_from([-0.1, -0.03, -0.01, 0.0, 0.02]))
@settings(deadline=None)
def test_the_bound_lies_above_a_difference_exactly_when_the_test_rejects_it(
    counts: tuple[int, int, int], delta: float
) -> None:
    lower = tango_lower(*counts)
    if abs(lower - delta) > 1e-8:
        assert (lower > delta) == (float(tango_statistic(*counts, delta)) > 1.6448536269514722)


def test_tangos_interval_covers_even_where_few_items_change() -> None:
    rng = np.random.default_rng(1)
    drawn = rng.multinomial(200, [0.03, 0.05, 0.92], 1500)
    covered = [-0.02 in tango_interval(int(b), int(c), 200) for b, c, _ in drawn]
    assert 0.93 <= np.mean(covered) <= 0.975


def test_right_and_wrong_answers_are_compared_exactly() -> None:
    before = [True] * 2 + [False] * 12 + [True] * 36
    after = [False] * 2 + [True] * 12 + [True] * 36
    paired = paired_difference(before, after)
    assert paired == paired_counts(12, 2, 50)
    assert (paired.diff, paired.b, paired.c, paired.n) == (0.2, 12, 2, 50)
    assert paired.p_gain == mcnemar_greater(12, 2)


def test_several_answers_an_item_are_compared_by_their_means() -> None:
    paired = paired_difference([0.25, 0.5, 1.0, 0.0], [0.75, 0.5, 0.75, 0.5])
    change = np.array([0.5, 0, -0.25, 0.5])
    assert (paired.diff, paired.b, paired.c) == (pytest.approx(change.mean()), 1.0, 0.25)
    half = 3.182446305284263 * change.std(ddof=1) / 2
    assert paired.interval.low == pytest.approx(change.mean() - half)


def test_copies_of_an_item_add_no_evidence() -> None:
    rng = np.random.default_rng(2)
    before, after = rng.random(80) < 0.5, rng.random(80) < 0.65
    once = paired_difference(before, after, range(80))
    copied = paired_difference(before.repeat(5), after.repeat(5), np.arange(80).repeat(5).tolist())
    assert (copied.lower, copied.p_gain) == (pytest.approx(once.lower), pytest.approx(once.p_gain))
    assert paired_difference(before.repeat(5), after.repeat(5)).p_gain < once.p_gain
    assert copied.num_clusters == 80


def test_items_that_share_images_mislead_mcnemar_and_not_the_cluster_test() -> None:
    rng = np.random.default_rng(3)
    naive, robust = [], []
    keys = np.arange(100).repeat(5).tolist()
    for _ in range(800):
        shift = rng.normal(0, 0.9, 100).repeat(5)
        ease = rng.normal(0, 1, 500)
        before = ease + rng.normal(0, 1, 500) > 0
        after = ease + rng.normal(0, 1, 500) + shift - rng.normal(0, 0.9, 100).repeat(5) > 0
        naive.append(paired_difference(before, after).p_gain <= 0.05)
        robust.append(paired_difference(before, after, keys).p_gain <= 0.05)
    assert np.mean(naive) > 0.07
    assert np.mean(robust) <= 0.05 + 2 * (0.05 * 0.95 / 800) ** 0.5


def test_one_image_proves_nothing() -> None:
    paired = paired_difference([0, 0, 0], [1, 1, 1], ["a", "a", "a"])
    assert (paired.lower, paired.p_gain, paired.interval) == (-1.0, 1.0, Interval(-1.0, 1.0))


@pytest.mark.parametrize(("before", "after"), [([], []), ([1], [1, 0])])
def test_unpaired_runs_are_refused(before: list[float], after: list[float]) -> None:
    with pytest.raises(ValueError, match="same items"):
        paired_difference(before, after)


def test_suites_weigh_the_same_whatever_their_size() -> None:
    pooled = pooled_difference({"small": paired_counts(5, 0, 50), "large": paired_counts(0, 0, 5000)})
    assert pooled.diff == pytest.approx(0.05)
    assert pooled.interval.low < pooled.lower < pooled.diff < pooled.interval.high


def test_one_suite_alone_keeps_its_own_bounds() -> None:
    alone = paired_counts(12, 2, 50)
    pooled = pooled_difference({"only": alone})
    assert (pooled.lower, pooled.interval.high) == (pytest.approx(alone.lower), pytest.approx(alone.interval.high))


@given(COUNTS, COUNTS)
@settings(deadline=None)
def test_the_pooled_p_value_goes_with_the_bound(first: tuple[int, int, int], second: tuple[int, int, int]) -> None:
    pooled = pooled_difference({"a": paired_counts(*first), "b": paired_counts(*second)})
    assert (pooled.p_gain < 0.05) == (pooled.lower > 0) or abs(pooled.lower) < 1e-9


def test_the_pooled_bound_covers() -> None:
    rng = np.random.default_rng(4)
    shares = np.array([[0.10, 0.05, 0.85], [0.04, 0.04, 0.92], [0.02, 0.03, 0.95]])
    truth = (shares[:, 0] - shares[:, 1]).mean()
    below = 0
    for _ in range(400):
        drawn = [rng.multinomial(300, share) for share in shares]
        suites: dict[str, Paired] = {str(i): paired_counts(int(b), int(c), 300) for i, (b, c, _) in enumerate(drawn)}
        below += pooled_difference(suites).lower <= truth
    assert 0.92 <= below / 400 <= 0.98
