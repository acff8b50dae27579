"""How numbers look, and where marks lie."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.templatetags import studio
from datagen.pages import KEPT_HARD, evidence_lines
from diagnostics.figures import across
from training.figures import figure, newest, round_curve, suite_group, trace, training_figures
from training.selectors.curves import CurvePoint, RoundPoint
from training.selectors.parts import SuiteView


@pytest.mark.parametrize(("given", "shown"), [(0.4153, "41.5%"), (1.0, "100.0%"), (0.0, "0.0%"), (None, "–")])
def test_accuracies_have_one_decimal(given, shown):
    assert studio.percent(given) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [(0.123, "+12.3"), (-0.02, "−2.0"), (0.0, "±0.0"), (-0.0004, "±0.0"), (0.0004, "±0.0"), (None, "–")],
)
def test_differences_have_a_sign_and_are_points(given, shown):
    assert studio.points(given) == shown


@pytest.mark.parametrize(
    ("given", "shown"), [(7.4, "7 s"), (59.6, "1 min 00 s"), (192, "3 min 12 s"), (7500, "2 h 05 min"), (None, "")]
)
def test_times_are_in_the_unit_that_matters(given, shown):
    assert studio.seconds(given).replace(studio.THIN, " ") == shown


def test_ago_says_never_and_just_now():
    assert studio.ago(None) == "never"
    assert studio.ago(timezone.now()) == "just now"
    assert studio.ago(timezone.now() - timedelta(hours=3)).replace(studio.THIN, " ") == "3 h ago"


def test_evidence_says_how_often_the_model_gave_each_answer():
    evidence = {
        "model_answers": {"4": 2, "": 1, "3": 6},
        "blind_solves": ["3", "3", "2"],
        "is_kept_hard": True,
        "plan": "",
    }
    lines = dict(evidence_lines(evidence))
    assert lines == {"Blind solves": "3, 3, 2", "Model says": "3 ×6, 4 ×2, (nothing) ×1", "Kept": KEPT_HARD}


def test_a_mark_never_leaves_its_axis():
    assert (across(0.415), across(-1), across(2), across(0, -0.1, 0.1)) == ("41.50%", "0.00%", "100.00%", "50.00%")


def suite(diff: float, low: float, high: float, lower: float) -> SuiteView:
    return SuiteView("s", "protected", 200, 0.8, 0.8 + diff, diff, lower, (low, high), 4, 4, True)


def test_differences_share_an_axis_with_zero_in_its_middle_and_the_margin_left_of_it():
    group = suite_group("protected", [suite(0.01, -0.02, 0.04, -0.015), suite(-0.2, -0.3, -0.1, -0.28)], 0.03, None)
    assert group.zero_x == "50.00%"
    assert float(group.margin_x[:-1]) < 50
    assert all(float(mark.low_x[:-1]) < float(mark.dot_x[:-1]) < float(mark.high_x[:-1]) for mark in group.rows)
    assert 0 < float(group.rows[1].low_x[:-1]) < float(group.rows[0].low_x[:-1])


def test_a_better_round_is_drawn_higher():
    curve = round_curve([RoundPoint(1, 0.6, 0.7, "promoted"), RoundPoint(2, 0.7, 0.65, "rejected")])
    first, second = curve.marks
    assert first.after_y < first.before_y
    assert second.after_y > second.before_y
    assert (first.x, second.x) == ("25.00%", "75.00%")
    assert all(0 < y < curve.height for y, _ in curve.ticks)


def test_one_round_at_the_very_top_still_fits():
    curve = round_curve([RoundPoint(1, 1.0, 1.0, "promoted")])
    assert 0 <= curve.marks[0].after_y <= curve.height


def test_curves_come_by_chart_in_the_order_of_steps_with_targets_in_front():
    points = [CurvePoint("reward", "", 2, 0.5), CurvePoint("reward", "", 1, 0.4)]
    points += [CurvePoint("reward", skill, 1, 0.3) for skill in ("count", "colour")]
    figures = training_figures(points, {"colour"})
    assert figures["reward"]["data"][0]["x"] == [1, 2]
    assert [(line["name"], line["role"]) for line in figures["skills"]["data"]] == [
        ("count", "replay"),
        ("colour", "target"),
    ]
    assert training_figures([], set()) == {}


def test_the_newest_value_is_the_one_of_the_last_step():
    points = [CurvePoint("kl", "", step, step / 100) for step in (1, 2, 3)]
    assert newest(points) == [("KL", "0.03")]


def test_a_chart_of_what_is_never_negative_begins_at_zero():
    def axis(*values: float) -> object:
        points = [CurvePoint("kl", "", step, value) for step, value in enumerate(values)]
        return figure([trace(points, "kl")])["layout"].get("yaxis")

    assert axis(0.0, 0.0) == axis(0.4) == {"rangemode": "nonnegative"}
    assert axis(0.1, -0.1) is None
