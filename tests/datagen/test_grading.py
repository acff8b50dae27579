"""What a model's answers say of a sample, and which hard samples are kept."""

import pytest

from core.domain.answers import AnswerType
from core.specs import AnswerRow
from datagen.domain.mixture import Purpose
from datagen.domain.quality import Accepted, HardCandidate, Held, HeldReason, Rejected, RejectReason
from datagen.grading import Asked, Score, hard_kept, score_of


def asked(slot: int = 0, gold: str = "7", kind=AnswerType.NUMBER, **fields) -> Asked:
    given = {"skill": "count", "purpose": Purpose.TARGET, "options": None, "is_gold_confirmed": True, **fields}
    return Asked(slot=slot, gold=gold, answer_type=kind, **given)


def rows(*texts: str, finish: str = "stop") -> list[AnswerRow]:
    return [AnswerRow(id="x", sample_ix=i, text=t, num_tokens=1, finish=finish, batch=0) for i, t in enumerate(texts)]


def boxed(right: int, wrong: int) -> list[AnswerRow]:
    return rows(*["\\boxed{7}"] * right, *[f"\\boxed{{{100 + i}}}" for i in range(wrong)])


@pytest.mark.parametrize(
    ("right", "outcome"),
    [
        (2, Rejected(RejectReason.TOO_HARD)),
        (3, Accepted()),
        (7, Accepted()),
        (8, Rejected(RejectReason.TOO_EASY)),
    ],
)
def test_the_band_decides(right, outcome):
    score = score_of(asked(), boxed(right, 9 - right), 9)
    assert (score.num_correct, score.num_scored, score.outcome) == (right, 9, outcome)


def test_answers_that_mean_the_same_make_one_majority():
    texts = ["\\boxed{1/2}", "\\boxed{0.5}", "\\boxed{.50}", "\\boxed{50%}", "\\boxed{0.5}", *["\\boxed{7}"] * 4]
    score = score_of(asked(is_gold_confirmed=False), rows(*texts), 9)
    assert score.majority_other and score.outcome == Held(HeldReason.MAJORITY_DISAGREES)
    assert score.answers[0][1] == 5 and score.answers[1] == ("7", 4)
    assert not score_of(asked(), boxed(4, 5), 9).majority_other


def test_a_confirmed_gold_stands_against_the_models_majority():
    texts = ["\\boxed{8}"] * 5 + ["\\boxed{7}"] * 4
    assert score_of(asked(is_gold_confirmed=True), rows(*texts), 9).outcome == Accepted()


def test_an_answer_in_prose_counts_as_in_training_and_a_cut_off_one_does_not():
    assert score_of(asked(), rows(*["The answer is 7."] * 5, *["no"] * 4), 9).num_correct == 5
    assert score_of(asked(), rows(*["\\boxed{7}"] * 9, finish="length"), 9).num_correct == 0


def test_missing_answers_are_unscored_and_hold_the_sample_when_they_matter():
    assert score_of(asked(), boxed(2, 3), 9).outcome == Held(HeldReason.UNSCORED)
    assert score_of(asked(), [], 9).outcome == Held(HeldReason.UNSCORED)


def test_the_gradient_probability_is_highest_in_the_middle():
    middle, edge = (score_of(asked(), boxed(k, 9 - k), 9).gradient_probability for k in (4, 9))
    assert middle > 0.9 > edge


def test_choices_are_counted_by_letter():
    options = {"A": "red", "B": "blue"}
    texts = ["\\boxed{B}", "\\boxed{blue}", "B. blue", "\\boxed{A}"]
    score = score_of(asked(gold="A", kind=AnswerType.CHOICE, options=options), rows(*texts), 4)
    assert dict(score.answers) == {"B": 3, "A": 1}


def test_text_that_a_database_cannot_hold_is_made_clean():
    score = score_of(asked(gold="stop", kind=AnswerType.TEXT), rows("\\boxed{a\0b}"), 9)
    assert "\0" not in score.answers[0][0]


def hard(slot: int, k: int = 2, **fields) -> Score:
    return score_of(asked(slot, **fields), boxed(k, 9 - k), 9)


def test_one_hard_sample_in_five_is_kept_in_slot_order_when_its_gold_is_confirmed():
    easy = [score_of(asked(slot), boxed(5, 4), 9) for slot in range(8)]
    hards = [hard(10, is_gold_confirmed=False), hard(11), hard(12, k=0), hard(13), hard(14)]
    assert hard_kept([*easy, *hards], [], {}) == {11, 13}


def test_those_kept_in_earlier_waves_use_up_the_room():
    before = [HardCandidate(40, "count", 2, True), HardCandidate(3, "count", 1, True)]
    assert hard_kept([hard(11), hard(12)], before, {"count": 8}) == set()
    assert hard_kept([hard(11), hard(12)], before, {"count": 12}) == {11}


def test_replay_and_other_skills_have_no_part_in_it():
    assert hard_kept([hard(1, purpose=Purpose.REPLAY)], [], {"count": 100}) == set()
    assert hard_kept([hard(1, skill="sum")], [], {"count": 100}) == set()
