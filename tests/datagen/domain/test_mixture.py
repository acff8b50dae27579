"""Mixtures share exactly what there is, to whom it helps, and say why."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from datagen.domain.mixture import (
    Proposal,
    Purpose,
    SkillEvidence,
    allocate,
    allocate_above,
    calibrated_weight,
    calibrated_weights,
    manifest_hash,
    propose,
    ref_weight,
)
from diagnostics.domain.intervals import Posterior, shrink
from diagnostics.domain.verdicts import Verdict, skill_verdicts

WEIGHTS = st.dictionaries(st.text(max_size=3), st.floats(0, 1e6), min_size=1, max_size=12)
COUNTS = {"count": (60, 200), "clock": (20, 200), "sum": (138, 200), "colour": (199, 200), "shape": (196, 200)}
ERRORS = {"count": {"calculation": 30, "visual_recognition": 100, "other": 0}, "sum": {"reasoning": 9, "other": 2}}


def make_skills(counts: dict[str, tuple[int, int]] = COUNTS) -> dict[str, SkillEvidence]:
    verdicts, posteriors = skill_verdicts(counts), shrink(counts)
    return {
        s: SkillEvidence(k, n, posteriors[s], verdicts[s].verdict, ERRORS.get(s, {})) for s, (k, n) in counts.items()
    }


def quotas(proposal: Proposal) -> dict[str, int]:
    return {row.skill: row.quota for row in proposal.rows}


def replayed(proposal: Proposal) -> int:
    return sum(row.quota for row in proposal.rows if row.purpose is Purpose.REPLAY)


def test_shares_add_up_even_when_they_do_not_divide() -> None:
    assert allocate({"a": 1, "b": 1, "c": 1}, 100) == {"a": 34, "b": 33, "c": 33}


@given(WEIGHTS, st.integers(0, 5000), st.integers(0, 5))
def test_shares_always_sum_exactly_and_keep_the_floor(weights: dict[str, float], more: int, floor: int) -> None:
    total = floor * len(weights) + more
    shared = allocate(weights, total, floor=floor)
    assert sum(shared.values()) == total
    assert min(shared.values()) >= floor
    assert list(shared) == list(weights)


@given(WEIGHTS, st.integers(0, 5000))
def test_nobody_is_more_than_one_sample_from_their_fair_share(weights: dict[str, float], total: int) -> None:
    if sum(weights.values()) > 0:
        shared = allocate(weights, total)
        assert all(abs(shared[s] - total * w / sum(weights.values())) < 1 + 1e-6 for s, w in weights.items())


def test_a_floor_is_taken_from_those_above_it() -> None:
    assert allocate({"a": 98, "b": 1, "c": 1}, 100, floor=10) == {"a": 80, "b": 10, "c": 10}
    assert allocate({"a": 0, "b": 0}, 5) == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("weights", "total", "floor"),
    [({"a": 1.0, "b": 1.0}, 5, 3), ({"a": -1.0}, 5, 0), ({"a": float("nan")}, 5, 0), ({}, 5, 0)],
)
def test_shares_that_cannot_be_are_refused(weights: dict[str, float], total: int, floor: int) -> None:
    with pytest.raises(ValueError, match="Cannot share"):
        allocate(weights, total, floor=floor)


def test_minimums_of_ones_own_are_kept() -> None:
    assert allocate_above({"a": 0, "b": 50}, {"a": 9.0, "b": 1.0}, 100) == {"a": 50, "b": 50}
    with pytest.raises(ValueError, match="cannot hold"):
        allocate_above({"a": 60, "b": 60}, {"a": 1.0, "b": 1.0}, 100)


@pytest.mark.parametrize(
    ("accuracy", "weight"), [(0, 2), (0.699, 2), (0.70, 1.5), (0.75, 1), (0.85, 0.8), (0.9, 0.5), (1, 0.5)]
)
def test_ref_weights_are_refs_buckets(accuracy: float, weight: float) -> None:
    assert ref_weight(accuracy) == weight


def test_small_cells_mislead_refs_buckets() -> None:
    def share(n: int, weight: float) -> float:
        return float(sum(stats.binom.pmf(k, n, 0.8) for k in range(n + 1) if ref_weight(k / n) == weight))

    assert share(17, 1.0) == pytest.approx(0.45, abs=0.005)
    assert share(17, 2.0) == pytest.approx(0.11, abs=0.005)
    assert share(200, 1.0) == pytest.approx(0.92, abs=0.005)


@pytest.mark.parametrize("accuracy", [0.3, 0.72, 0.8, 0.87, 0.97])
def test_a_calibrated_weight_is_refs_when_much_is_known(accuracy: float) -> None:
    assert calibrated_weight(Posterior(accuracy * 1e5, (1 - accuracy) * 1e5)) == pytest.approx(ref_weight(accuracy))


def test_a_calibrated_weight_is_the_mean_over_what_may_be_true() -> None:
    drawn = np.random.default_rng(1).beta(9, 3, 200_000)
    expected = np.mean([ref_weight(accuracy) for accuracy in drawn])
    assert calibrated_weights({"a": Posterior(9, 3)})["a"] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("policy", ["ref", "calibrated"])
@pytest.mark.parametrize("total", [7, 1000, 1024])
def test_quotas_sum_to_the_total(policy: str, total: int) -> None:
    assert sum(quotas(propose(make_skills(), policy=policy, total=total)).values()) == total  # type: ignore[arg-type]


def test_weak_and_open_skills_are_targets_and_the_rest_is_replayed() -> None:
    proposal = propose(make_skills(), total=1000)
    assert {row.skill: str(row.purpose) for row in proposal.rows} == {
        "count": "target",
        "clock": "target",
        "sum": "target",
        "colour": "replay",
        "shape": "replay",
    }
    assert replayed(proposal) == 350
    assert (quotas(proposal)["count"], quotas(proposal)["clock"], quotas(proposal)["sum"]) == (225, 224, 201)
    assert proposal.notes == ()


def test_the_ref_policy_shares_by_its_buckets_alone() -> None:
    skills = make_skills() | {"new": SkillEvidence(0, 0, Posterior(0.5, 0.5), Verdict.NOT_ENOUGH_DATA)}
    shared = quotas(propose(skills, policy="ref", total=700))
    assert shared == {"count": 200, "clock": 200, "sum": 200, "new": 0, "colour": 50, "shape": 50}
    assert quotas(propose(skills, policy="ref", total=700, floor=10))["new"] == 10


def test_a_skill_without_data_is_not_forgotten() -> None:
    skills = make_skills() | {"new": SkillEvidence(0, 0, Posterior(2.5, 1.5), Verdict.NOT_ENOUGH_DATA)}
    assert quotas(propose(skills, total=1000))["new"] > 100


def test_when_nothing_is_weak_the_proposal_says_so_and_aims_at_the_lowest() -> None:
    proposal = propose(make_skills({"a": (199, 200), "b": (170, 200), "c": (198, 200)}), total=100)
    assert [row.skill for row in proposal.rows if row.purpose is Purpose.TARGET] == ["b"]
    assert (len(proposal.notes), replayed(proposal)) == (2, 35)
    assert "b, stand in" in proposal.notes[1]


def test_when_nothing_is_strong_nothing_is_replayed_and_the_proposal_says_so() -> None:
    proposal = propose(make_skills({"a": (20, 200), "b": (30, 200)}), total=101)
    assert (replayed(proposal), proposal.notes[0][:25]) == (0, "No skill is replayed: not")


def test_every_skill_gets_the_floor_whatever_its_purpose() -> None:
    proposal = propose(make_skills(), total=100, floor=15, replay_share=0.05)
    assert min(quotas(proposal).values()) >= 15
    assert sum(quotas(proposal).values()) == 100


def test_a_row_says_why_and_what_to_aim_at() -> None:
    rows = {row.skill: row for row in propose(make_skills(), total=100).rows}
    assert rows["count"].why == "weak: 60 of 200 right, estimate 0.30"
    assert rows["count"].directions == (("visual_recognition", 100), ("calculation", 30))
    assert rows["colour"].directions == ()


def test_a_moderate_skill_is_aimed_at_its_main_error_only() -> None:
    skills = {"sum": SkillEvidence(15, 20, Posterior(15, 5), Verdict.NOT_ENOUGH_DATA, ERRORS["sum"])}
    assert propose(skills, total=10).rows[0].directions == (("reasoning", 9),)


def test_a_manifest_hash_changes_with_anything_that_was_approved() -> None:
    proposal = propose(make_skills(), total=100)
    assert manifest_hash(proposal) == manifest_hash(propose(make_skills(), total=100))
    first, second, *rest = proposal.rows
    moved = (replace(first, quota=first.quota + 1), replace(second, quota=second.quota - 1), *rest)
    changed = [replace(proposal, rows=moved), replace(proposal, total=101), replace(proposal, notes=("seen",))]
    assert len({manifest_hash(p) for p in [proposal, *changed]}) == 4
