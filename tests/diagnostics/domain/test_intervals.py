"""Intervals cover what they claim to cover."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from diagnostics.domain.intervals import (
    ClusteredInterval,
    Interval,
    Posterior,
    clustered_interval,
    design_effect,
    effective_clusters,
    shrink,
    wilson,
)


@pytest.mark.parametrize(("k", "n", "confidence"), [(0, 17, 0.95), (17, 17, 0.95), (42, 200, 0.95), (7, 9, 0.8)])
def test_wilson_agrees_with_statsmodels(k: int, n: int, confidence: float) -> None:
    interval = wilson(k, n, confidence)
    assert (interval.low, interval.high) == pytest.approx(
        proportion_confint(k, n, 1 - confidence, method="wilson"), abs=1e-12
    )


def test_without_data_everything_is_possible() -> None:
    assert wilson(0, 0) == Interval(0.0, 1.0)
    assert clustered_interval([]).interval == Interval(0.0, 1.0)


def test_wilson_covers_in_the_range_where_it_is_claimed() -> None:
    rng = np.random.default_rng(1)
    for share in (0.05, 0.3, 0.5, 0.8, 0.95):
        drawn = np.bincount(rng.binomial(100, share, 20_000), minlength=101)
        covered = sum(drawn[k] for k in range(101) if share in wilson(k, 100)) / 20_000
        assert 0.93 <= covered <= 0.97


def test_clusters_of_one_are_plain_items() -> None:
    clusters = [(1, 1)] * 60 + [(0, 1)] * 40
    result = clustered_interval(clusters)
    assert result.design_effect == pytest.approx(100 / 99)
    assert result.effective_clusters == 100
    assert abs(result.interval.low - wilson(60, 100).low) < 0.003


def test_copies_of_one_item_count_once() -> None:
    once = clustered_interval([(1, 1)] * 60 + [(0, 1)] * 40)
    copied = clustered_interval([(5, 5)] * 60 + [(0, 5)] * 40)
    assert copied.design_effect == pytest.approx(5 * once.design_effect)
    assert copied.interval.low == pytest.approx(once.interval.low)


def test_all_right_does_not_mean_that_items_are_independent() -> None:
    assert design_effect([(4, 4), (2, 2), (6, 6)]) == pytest.approx((16 + 4 + 36) / 12)
    assert clustered_interval([(10, 10)] * 30).interval.low < wilson(300, 300).low - 0.05


def test_few_images_are_called_few() -> None:
    assert clustered_interval([(3, 5)] * 19).has_too_few_images
    assert not clustered_interval([(3, 5)] * 20).has_too_few_images
    assert effective_clusters([(1, 1)] * 30 + [(20, 40)]) < 20
    assert isinstance(clustered_interval([(3, 5)]), ClusteredInterval)
    assert clustered_interval([(3, 5)]).interval == Interval(0.0, 1.0)


def _coverage(share: float, icc: float, rng: np.random.Generator, reports: int) -> float:
    weight = (1 - icc) / icc
    hits = 0
    for _ in range(reports):
        sizes = rng.integers(1, 41, 100)
        right = rng.binomial(sizes, rng.beta(share * weight, (1 - share) * weight, 100))
        hits += share in clustered_interval(list(zip(right.tolist(), sizes.tolist(), strict=True))).interval
    return hits / reports


def test_clustered_intervals_cover_where_they_are_claimed() -> None:
    rng = np.random.default_rng(2)
    cells = [_coverage(share, icc, rng, 1500) for share in (0.1, 0.4, 0.8) for icc in (0.1, 0.4, 0.7)]
    assert 0.93 <= np.mean(cells) <= 0.97
    assert min(cells) > 0.92 - 2 * (0.92 * 0.08 / 1500) ** 0.5


def test_shrinkage_moves_small_cells_and_leaves_large_ones() -> None:
    many = {f"s{i}": (160, 200) for i in range(5)} | {"large": (400, 1000), "small": (2, 5), "none": (0, 0)}
    posterior = shrink(many)
    assert posterior["large"].mean == pytest.approx(0.4, abs=0.03)
    assert 0.45 < posterior["small"].mean < 0.75
    assert posterior["none"].mean == pytest.approx(0.7, abs=0.1)


def test_shrinkage_is_nearer_to_the_truth_than_raw_counts() -> None:
    rng = np.random.default_rng(3)
    raw, shrunken = [], []
    for _ in range(60):
        truth = rng.beta(8, 3, 11)
        right = rng.binomial(17, truth)
        guess = [p.mean for p in shrink({str(i): (int(k), 17) for i, k in enumerate(right)}).values()]
        raw.append(((right / 17 - truth) ** 2).mean())
        shrunken.append(((np.array(guess) - truth) ** 2).mean())
    assert np.mean(shrunken) < 0.8 * np.mean(raw)


def test_one_skill_alone_gets_jeffreys_prior() -> None:
    assert shrink({"only": (3, 10)}) == {"only": Posterior(3.5, 7.5)}


def test_a_posterior_says_how_likely_weakness_is() -> None:
    assert Posterior(1, 1).below(0.7) == pytest.approx(0.7)
    assert Posterior(30, 170).below(0.7) > 0.999
