"""Pairing parent and child: suites, roles, unscored answers, shared pictures, the gate's word."""

import pytest

from training.services.comparison import PairedItem, gate_verdict, suites_of, summary_of

ROLES = {"count": "target", "word": "protected"}


def items(suite: str, *changes: tuple[float | None, float | None], role: str = "", shared: int = 1) -> list[PairedItem]:
    role = role or ROLES[suite]
    return [PairedItem(suite, role, f"{suite}-{role}-{i // shared}", *change) for i, change in enumerate(changes)]


def good_child() -> list[PairedItem]:
    """The target rises by 40 of 200, the protected suite does not move."""
    rise = [(0, 1)] * 40 + [(1, 1)] * 160
    return [*items("count", *rise), *items("word", *[(1, 1)] * 200)]


def test_a_suite_counts_what_was_fixed_and_what_was_broken():
    (suite,) = suites_of(items("count", (0, 1), (0, 1), (1, 0), (1, 1), (0, 0)))
    assert (suite.num_before, suite.num_after, suite.num_fixed, suite.num_broken, suite.paired.n) == (2, 3, 2, 1, 5)
    assert suite.paired.diff == pytest.approx(0.2)
    assert suite.paired.lower < suite.paired.diff


def test_a_benchmark_with_target_skills_and_others_makes_two_suites():
    mixed = [*items("exam", (0, 1), role="target"), *items("exam", (1, 1), (1, 1), role="protected")]
    assert [(s.suite, s.role, s.paired.n) for s in suites_of(mixed)] == [
        ("exam (protected)", "protected", 2),
        ("exam (target)", "target", 1),
    ]


def test_a_child_that_rises_and_breaks_nothing_is_promoted():
    verdict, reasons = gate_verdict(good_child(), 0.03, 0.05)
    assert verdict == "promote"
    assert "improved" in reasons[0]


def test_a_child_that_breaks_a_protected_suite_waits_and_the_reason_names_it():
    child = [*items("count", *[(0, 1)] * 40, *[(1, 1)] * 160), *items("word", *[(1, 0)] * 10, *[(1, 1)] * 190)]
    verdict, reasons = gate_verdict(child, 0.03, 0.05)
    assert verdict == "wait"
    assert any(reason.startswith("word may have lost") for reason in reasons)


def test_without_a_target_suite_nobody_is_promoted():
    assert gate_verdict(items("word", *[(1, 1)] * 200), 0.03, 0.05)[0] == "wait"


def test_an_unscored_item_is_left_out_of_the_comparison():
    (suite,) = suites_of(items("count", (0, 1), (None, 1), (1, None)))
    assert (suite.paired.n, suite.num_before, suite.num_after) == (1, 0, 1)


def test_too_many_unscored_items_count_as_lost():
    unscored = items("word", *[(1, 1)] * 190, *[(1, None)] * 10)
    child = [item for item in good_child() if item.benchmark == "count"] + unscored
    verdict, reasons = gate_verdict(child, 0.03, 0.05)
    assert verdict == "wait"
    assert "97.5%" in reasons[0]


def test_a_suite_that_could_not_be_scored_at_all_cannot_pass():
    unscored = items("word", *[(None, None)] * 3)
    child = items("count", *[(0, 1)] * 400, *[(1, 1)] * 400) + unscored
    assert gate_verdict(child, 0.03, 0.05)[0] == "wait"


def test_items_that_share_a_picture_widen_the_bound():
    changes = [(0, 1)] * 20 + [(1, 1)] * 80
    (alone,), (shared,) = suites_of(items("count", *changes)), suites_of(items("count", *changes, shared=5))
    assert shared.is_clustered and not alone.is_clustered
    assert shared.paired.lower < alone.paired.lower


def test_the_summary_pools_suites_with_equal_weight():
    two = [*items("count", (0, 1), (1, 1)), *items("word", *[(1, 1)] * 9, (1, 0))]
    summary = summary_of(two)
    assert (summary["mean_before"], summary["mean_after"]) == (pytest.approx(0.75), pytest.approx(0.95))
    assert summary["targets"]["diff"] == pytest.approx(0.5)
    assert summary["protected"]["diff"] == pytest.approx(-0.1)
    assert summary["coverage"] == 1.0
