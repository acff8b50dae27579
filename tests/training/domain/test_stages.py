"""A round goes from stage to stage by what came out of each."""

import pytest

from training.domain.gate import Decision
from training.domain.stages import (
    MAX_WAVES,
    Approval,
    Done,
    Failed,
    Filled,
    Finished,
    Next,
    Stage,
    StageOutcome,
    later_stages,
    next_stage,
)


def make_filled(num_accepted: int = 1000, num_open: int = 0, wave: int = 1) -> Filled:
    return Filled(1000, num_accepted, num_open, wave, {"clock": 3, "count": 40, "colour": 0})


def test_a_smooth_round_passes_every_stage_once_and_needs_no_decision() -> None:
    outcomes: dict[Stage, StageOutcome] = {
        Stage.APPROVE: Approval(is_approved=True),
        Stage.DIFFICULTY: make_filled(),
        Stage.GATE: Decision.PROMOTE,
    }
    seen, step = [Stage.DIAGNOSE], next_stage(Stage.DIAGNOSE, Done())
    while isinstance(step, Next):
        assert not step.is_retake
        seen.append(step.stage)
        step = next_stage(step.stage, outcomes.get(step.stage, Done()))
    assert step == Finished()
    assert seen == list(Stage)[:-1]


def test_a_waiting_gate_asks_a_person_whose_decision_ends_the_round() -> None:
    assert next_stage(Stage.GATE, Decision.WAIT) == Next(Stage.DECIDE)
    assert next_stage(Stage.DECIDE, Done()) == Finished()


def test_a_mixture_that_was_sent_back_is_proposed_again() -> None:
    assert next_stage(Stage.APPROVE, Approval(is_approved=False)) == Next(Stage.MIXTURE, is_retake=True)


def test_open_slots_are_generated_again_even_when_enough_are_accepted() -> None:
    assert next_stage(Stage.DIFFICULTY, make_filled(950, num_open=50)) == Next(Stage.GENERATE, is_retake=True)


def test_a_slot_is_refilled_at_most_five_times() -> None:
    assert MAX_WAVES == 6
    assert next_stage(Stage.DIFFICULTY, make_filled(10, 90, wave=5)) == Next(Stage.GENERATE, is_retake=True)
    assert isinstance(next_stage(Stage.DIFFICULTY, make_filled(10, 90, wave=6)), Failed)


def test_enough_samples_make_a_dataset_and_too_few_fail_with_their_shortfall() -> None:
    assert next_stage(Stage.DIFFICULTY, make_filled(900, num_open=9, wave=6)) == Next(Stage.DATASET)
    failed = next_stage(Stage.DIFFICULTY, make_filled(899, wave=6))
    assert failed == Failed("899 of 1000 samples were accepted; 90% are needed.", (("count", 40), ("clock", 3)))


def test_an_empty_dataset_is_never_made() -> None:
    assert isinstance(next_stage(Stage.DIFFICULTY, Filled(0, 0, 0, 1)), Failed)


@pytest.mark.parametrize(
    ("stage", "outcome"),
    [
        (Stage.APPROVE, Done()),
        (Stage.GATE, Done()),
        (Stage.DIFFICULTY, Done()),
        (Stage.TRAIN, Decision.PROMOTE),
        (Stage.DECIDE, Decision.WAIT),
    ],
)
def test_a_stage_cannot_end_with_anothers_outcome(stage: Stage, outcome: StageOutcome) -> None:
    with pytest.raises(ValueError, match="cannot end"):
        next_stage(stage, outcome)


def test_taking_a_stage_again_makes_the_later_ones_stale() -> None:
    assert later_stages(Stage.EVALUATE) == (Stage.GATE, Stage.DECIDE)
    assert later_stages(Stage.DECIDE) == ()
