"""Quality control lets good samples through, names what is wrong with others, and asks people about the rest."""

import numpy as np
import pytest
from scipy import stats

from core.domain.answers import AnswerType
from datagen.domain.mixture import Purpose
from datagen.domain.quality import (
    HELD_REASONS,
    REJECT_REASONS,
    Accepted,
    Candidate,
    HardCandidate,
    Held,
    HeldReason,
    QualityOutcome,
    Rejected,
    RejectReason,
    blind_solve_outcome,
    dedup,
    difficulty_outcome,
    gradient_probability,
    image_blind_group_outcome,
    image_blind_outcome,
    jeffreys,
    keep_hard,
    text_key,
)

NUMBER, CHOICE = AnswerType.NUMBER, AnswerType.CHOICE
COLOURS = {"A": "Red", "B": "Blue", "C": "Green"}
SUSPECT, SPLIT = Rejected(RejectReason.GOLD_SUSPECT), Held(HeldReason.SOLVERS_SPLIT)
TOO_EASY, TOO_HARD = Rejected(RejectReason.TOO_EASY), Rejected(RejectReason.TOO_HARD)
BLIND = Rejected(RejectReason.IMAGE_BLIND)


def difficulty(k: int, purpose: Purpose = Purpose.TARGET, **facts: object) -> QualityOutcome:
    given = {"num_scored": 9, "num_answers": 9, "majority_other": False, "blind_passed": True} | facts
    return difficulty_outcome(num_correct=k, purpose=purpose, **given)  # type: ignore[arg-type]


def test_every_reason_is_explained() -> None:
    assert set(REJECT_REASONS) == set(RejectReason)
    assert set(HELD_REASONS) == set(HeldReason)
    assert all(text.endswith(".") for text in [*REJECT_REASONS.values(), *HELD_REASONS.values()])


@pytest.mark.parametrize(
    ("solves", "outcome"),
    [
        (["12", "12.0", "twelve"], Accepted()),
        (["12", "12", "13"], Accepted()),
        (["12", "12", None], Accepted()),
        (["13", "13.0", "14"], SUSPECT),
        (["13", "13", None], SUSPECT),
        (["12", "13", "13"], SPLIT),
        (["13", "14", "15"], SPLIT),
        (["12", None, None], SPLIT),
        ([None, None, None], SPLIT),
        ([], SPLIT),
    ],
)
def test_blind_solvers_confirm_doubt_or_ask(solves: list[str | None], outcome: QualityOutcome) -> None:
    assert blind_solve_outcome("12", solves, NUMBER) == outcome


def test_blind_solvers_may_name_an_option_by_its_text() -> None:
    assert blind_solve_outcome("B", ["Blue", "(b)", "A"], CHOICE, COLOURS) == Accepted()
    assert blind_solve_outcome("B", ["Red", "A", "C"], CHOICE, COLOURS) == SUSPECT


def test_three_solves_ask_a_person_about_few_good_samples() -> None:
    rng = np.random.default_rng(1)
    solves = np.where(rng.random((4000, 3)) < 0.9, "B", rng.choice(["A", "C"], (4000, 3)))
    outcomes = [blind_solve_outcome("B", row, CHOICE, COLOURS) for row in solves.tolist()]
    assert 0.01 < outcomes.count(SPLIT) / 4000 < 0.06
    assert outcomes.count(SUSPECT) / 4000 < 0.01


@pytest.mark.parametrize(("num_options", "lowest"), [(4, 6), (8, 4), (0, 4), (3, 6), (10, 4)])
def test_a_question_answered_without_the_image_is_rejected(num_options: int, lowest: int) -> None:
    outcomes = [image_blind_outcome(k, 8, num_options) for k in range(9)]
    assert outcomes == [Accepted()] * lowest + [BLIND] * (9 - lowest)


def test_lucky_guesses_reject_few_four_choice_questions() -> None:
    lost = sum(stats.binom.pmf(k, 8, 0.25) for k in range(9) if image_blind_outcome(k, 8, 4) == BLIND)
    assert lost < 0.005


def test_yes_no_questions_are_judged_as_a_group_against_the_majority() -> None:
    assert image_blind_outcome(8, 8, 2) == Accepted()
    assert image_blind_group_outcome(70, 100, majority_share=0.7) == Accepted()
    assert image_blind_group_outcome(70, 100, majority_share=0.5) == BLIND
    assert image_blind_group_outcome(0, 0, majority_share=0.5) == Accepted()


def test_targets_are_kept_from_3_to_7_of_9_and_replay_up_to_9() -> None:
    assert [difficulty(k) for k in range(10)] == [TOO_HARD] * 3 + [Accepted()] * 5 + [TOO_EASY] * 2
    replayed = [difficulty(k, Purpose.REPLAY) for k in range(10)]
    assert replayed == [TOO_HARD] * 3 + [Accepted()] * 7


def test_a_model_that_agrees_on_another_answer_is_doubted_only_if_the_gold_was_not_confirmed() -> None:
    assert difficulty(3, majority_other=True, blind_passed=False) == Held(HeldReason.MAJORITY_DISAGREES)
    assert difficulty(3, majority_other=True, blind_passed=True) == Accepted()
    assert difficulty(0, majority_other=True, blind_passed=True) == TOO_HARD


def test_missing_scores_are_never_right_answers() -> None:
    assert difficulty(2, num_scored=8) == Held(HeldReason.UNSCORED)
    assert difficulty(7, num_scored=8) == Held(HeldReason.UNSCORED)
    assert difficulty(4, num_scored=8) == Accepted()
    assert difficulty(1, num_scored=8) == TOO_HARD
    assert difficulty(0, num_scored=0) == Held(HeldReason.UNSCORED)


def test_another_number_of_answers_keeps_the_bands_shares() -> None:
    assert [difficulty(k, num_answers=18, num_scored=18) for k in (5, 6, 14, 15)] == [
        TOO_HARD,
        Accepted(),
        Accepted(),
        TOO_EASY,
    ]


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        difficulty(9, num_scored=8)


def test_a_fifth_of_a_skill_may_be_hard_samples_with_a_confirmed_gold() -> None:
    hard = [HardCandidate(i, "clock", 1 + i % 2, True) for i in range(10, 0, -1)]
    assert keep_hard(hard, {"clock": 8}) == {1, 2}
    assert keep_hard(hard, {"clock": 100}) == set(range(1, 11))
    assert keep_hard(hard, {}) == frozenset()


def test_hopeless_or_unconfirmed_samples_stay_out() -> None:
    hard = [HardCandidate(1, "clock", 0, True), HardCandidate(2, "clock", 2, False), HardCandidate(3, "clock", 2, True)]
    assert keep_hard(hard, {"clock": 50}) == {3}


@pytest.mark.parametrize(("k", "chance"), [(1, 0.62), (2, 0.82), (0, 0.27), (9, 0.27)])
def test_how_likely_a_sample_gives_a_gradient(k: int, chance: float) -> None:
    assert gradient_probability(jeffreys(k, 9)) == pytest.approx(chance, abs=0.005)


def test_gradient_probability_is_the_mean_over_the_posterior() -> None:
    p = np.random.default_rng(2).beta(2.5, 7.5, 100_000)
    assert gradient_probability(jeffreys(2, 9)) == pytest.approx(np.mean(1 - p**8 - (1 - p) ** 8), abs=0.005)


def test_the_band_drops_the_very_blind_spots() -> None:
    dropped = sum(stats.binom.pmf(k, 9, 0.1) for k in range(10) if difficulty(k) != Accepted())
    assert dropped == pytest.approx(0.95, abs=0.005)


def test_questions_are_equal_when_they_differ_in_dress_only() -> None:
    assert text_key("What  colour is\nthe square?") == text_key("what colour is the \uff33quare")
    assert text_key("Is 3 < 4?") != text_key("Is 3 > 4?")
    assert text_key("What is 5 - 3?") == text_key("What is 5 \u2212 3?") != text_key("What is 5 + 3?")


def test_the_first_of_equal_samples_stays_in_slot_order() -> None:
    ask = "What colour is it?"
    later, first, other = Candidate(7, ask, "x"), Candidate(2, ask.upper(), "x"), Candidate(5, ask, "y")
    duplicate = Rejected(RejectReason.DUPLICATE)
    assert dedup([later, first, other]) == {2: Accepted(), 5: Accepted(), 7: duplicate}
    assert dedup([other], seen={("y", text_key(ask))}) == {5: duplicate}
