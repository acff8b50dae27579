"""Gates, thresholds and edits: what the method says, held in code."""

import numpy as np
import pytest

from datagen.domain.images import (
    FREEDOMS,
    LIMITS,
    THRESHOLDS,
    EditStep,
    Freedom,
    Gates,
    Scored,
    best_candidate,
    freedom_of,
    sharpness,
    size_fault,
    step_fault,
    steps_allowed,
    threshold_of,
)

GATES = Gates(256, 20_000, 5_000_000, 80.0)


def test_the_thresholds_are_the_methods():
    assert THRESHOLDS == {
        "geometric": 7.5, "math_formula": 7.5, "medical": 7.0, "chart_graph": 7.0, "text_dense": 7.0, "diagram": 7.0,
        "map": 7.0, "architectural": 6.8, "natural_scene": 6.5, "everyday_object": 6.5, "mixed": 6.5, "artistic": 6.0,
    }  # fmt: skip
    assert threshold_of("x_ray") == 7.0 and set(FREEDOMS) == set(THRESHOLDS)


@pytest.mark.parametrize("image_type", THRESHOLDS)
def test_a_score_below_its_types_threshold_is_not_usable_whatever_the_selector_says(image_type):
    limit = threshold_of(image_type)
    assert best_candidate([Scored(limit, True)], image_type) == 0
    assert best_candidate([Scored(limit - 0.1, True), Scored(10, False)], image_type) is None


def test_the_highest_usable_score_wins_and_the_first_of_equals():
    assert best_candidate([Scored(8, True), Scored(9, False), Scored(8.5, True), Scored(8.5, True)], "map") == 2
    assert best_candidate([], "map") is None


@pytest.mark.parametrize(
    ("size", "fault"),
    [
        ((256, 256, 20_000), ""),
        ((255, 4000, 90_000), "too_few_pixels"),
        ((4000, 255, 90_000), "too_few_pixels"),
        ((300, 300, 19_999), "too_few_bytes"),
        ((300, 300, 5_000_001), "too_many_bytes"),
    ],
)
def test_either_side_and_the_bytes_must_be_within_the_gates(size, fault):
    assert size_fault(GATES, *size) == fault


def test_sharpness_is_the_variance_of_the_laplacian():
    flat = np.full((8, 8), 7, dtype=np.float32)
    ramp = np.arange(64, dtype=np.float32).reshape(8, 8)
    dot = np.zeros((5, 5), dtype=np.float32)
    dot[2, 2] = 1
    assert sharpness(flat) == sharpness(ramp) == sharpness(flat[:2]) == 0
    assert sharpness(dot) == pytest.approx(np.var([-4, 1, 1, 1, 1, 0, 0, 0, 0]))


@pytest.mark.parametrize(
    ("step", "least"),
    [
        (EditStep("crop", box=(0.05, 0.05, 0.95, 0.95)), Freedom.MINIMAL),
        (EditStep("crop", box=(0, 0, 0.6, 0.6)), Freedom.MODERATE),
        (EditStep("contrast", 1.1), Freedom.MINIMAL),
        (EditStep("brightness", 1.3), Freedom.MODERATE),
        (EditStep("rotate", -10), Freedom.MODERATE),
        (EditStep("rotate", 180), Freedom.VERY_FLEXIBLE),
        (EditStep("grayscale"), Freedom.TARGETED),
        (EditStep("resize", 2), Freedom.MINIMAL),
    ],
)
def test_a_step_is_taken_from_the_freedom_on_that_allows_it(step, least):
    order = list(Freedom)
    assert step_fault(step, least) == ""
    if step.name != "crop" and least is not Freedom.MINIMAL:
        assert step_fault(step, order[order.index(least) - 1])


@pytest.mark.parametrize(
    "step",
    [
        EditStep("resize", 2.01),
        EditStep("resize", 0),
        EditStep("rotate", float("nan")),
        EditStep("contrast", -1),
        EditStep("inpaint", 1),
        EditStep("crop"),
        EditStep("crop", box=(0.5, 0, 0.4, 1)),
        EditStep("crop", box=(-0.1, 0, 1, 1)),
        EditStep("crop", box=(0, 0, 0.1, 1)),
    ],
)
def test_steps_outside_the_closed_set_or_its_bounds_are_never_taken(step):
    assert all(step_fault(step, freedom) for freedom in Freedom)


def test_freedoms_widen_and_an_unknown_type_gets_the_least():
    assert [LIMITS[freedom].max_tone for freedom in Freedom] == sorted(LIMITS[freedom].max_tone for freedom in Freedom)
    assert freedom_of("x_ray") is Freedom.MINIMAL and freedom_of("artistic") is Freedom.VERY_FLEXIBLE
    assert "grayscale" in steps_allowed(Freedom.FLEXIBLE)
