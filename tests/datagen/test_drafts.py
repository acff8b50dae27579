"""Answers are typed at the boundary: what does not fit its type is a value with a reason."""

import pytest

from core.domain.answers import AnswerType
from datagen.agents.schemas import Validation, WrittenQuestion
from datagen.domain.quality import RejectReason
from datagen.drafts import Draft, Refusal, draft_of, refusal_of

ABCD = {"A": "red", "B": "blue", "C": "green", "D": "black"}


def written(answer: str, kind: str = "choice", options=None, question: str = "Which colour?") -> WrittenQuestion:
    options = ABCD if options is None and kind == "choice" else options or {}
    pairs = options.items() if isinstance(options, dict) else options
    listed = [{"letter": letter, "text": text} for letter, text in pairs]
    return WrittenQuestion.model_validate(
        {"question": question, "options": listed, "answer": answer, "answer_type": kind}
    )


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (written("B"), "B"),
        (written(" (b) "), "B"),
        (written("7", "number"), "7"),
        (written("3 cm", "number"), "3 cm"),
        (written("No", "yes_no"), "No"),
        (written("stop", "text"), "stop"),
        (written("a", options={"a": "red", "b": "blue"}), "A"),
    ],
)
def test_a_question_with_a_typed_answer_is_a_draft(question, answer):
    draft = draft_of(question, question.answer_type)
    assert isinstance(draft, Draft)
    assert (draft.answer, draft.answer_type) == (answer, AnswerType(question.answer_type))


@pytest.mark.parametrize(
    ("question", "kind", "why"),
    [
        (written("E"), "choice", "letter_not_among_options"),
        (written("B. blue and red"), "choice", "letter_not_among_options"),
        (written("B", options={}), "choice", "too_few_options"),
        (written("A", options={"A": "red"}), "choice", "too_few_options"),
        (written("A", options={"A": "red", "B": " Red "}), "choice", "options_not_distinct"),
        (written("A", options=[("A", "x"), ("a", "y")]), "choice", "letters"),
        (written("A", options={"AB": "x", "B": "y"}), "choice", "letters"),
        (written("A", options={"A": "x", "B": ""}), "choice", "letters"),
        (written("many", "number"), "number", "not_a_number"),
        (written("maybe", "yes_no"), "yes_no", "not_yes_or_no"),
        (written(" ", "text"), "text", "empty_answer"),
        (written("7", "number", ABCD), "number", "only a choice"),
        (written("7", "number"), "choice", "type choice"),
        (written("B", question=" "), "choice", "empty_question"),
    ],
)
def test_a_question_without_one_is_refused_with_what_is_wrong(question, kind, why):
    refusal = draft_of(question, kind)
    assert isinstance(refusal, Refusal)
    assert refusal.outcome.reason is RejectReason.BAD_ANSWER and why in refusal.detail


def test_a_slot_that_prescribes_no_type_takes_any():
    assert isinstance(draft_of(written("7", "number"), ""), Draft)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("ambiguous: two clocks", RejectReason.AMBIGUOUS),
        (" Off_Skill : asks for a colour", RejectReason.OFF_SKILL),
        ("answer_not_in_image", RejectReason.ANSWER_NOT_IN_IMAGE),
        ("wrong_answer: it is 4", RejectReason.REFUSED_BY_VALIDATOR),
        ("too_easy: who cares", RejectReason.REFUSED_BY_VALIDATOR),
        ("", RejectReason.REFUSED_BY_VALIDATOR),
    ],
)
def test_a_refusal_keeps_the_validators_words_and_its_own_reasons_only(said, reason):
    refusal = refusal_of(Validation(valid=False, reason=said))
    assert refusal is not None and refusal.outcome.reason is reason
    assert refusal.detail == said.strip()


def test_a_validator_that_agrees_refuses_nothing():
    assert refusal_of(Validation(valid=True, reason="ambiguous")) is None
