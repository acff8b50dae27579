"""Verdicts, quality control and rewards say the same of the same text."""

import json

import pytest

from core.domain.answers import ModelText, Outcome, grade_many
from core.specs import AnswerRow
from datagen.domain.mixture import Purpose
from datagen.domain.quality import Accepted, blind_solve_outcome
from datagen.grading import Asked, score_of
from diagnostics.models import Answer, Item
from diagnostics.services.ingest import verdicts_of
from gpu.grader import Question, judge
from tests.core.answer_cases import CASES

UNREADABLE = [(kind, "", options, text, False, False, "no gold") for kind, _, options, text, *_ in CASES[::20]]
ROWS = [*CASES, *UNREADABLE]


@pytest.fixture(scope="module")
def said() -> list[bool | None]:
    """The lenient word of the one implementation on each row; None is unscored."""
    graded = grade_many([ModelText(text, gold, kind, options) for kind, gold, options, text, *_ in ROWS])
    return [None if g.lenient.outcome is Outcome.UNSCORED else g.lenient.is_correct for g in graded]


def test_a_stored_verdict_says_what_grading_says(said: list[bool | None]) -> None:
    answers = [
        Answer(text=text, finish="stop", item=Item(answer=gold, answer_type=kind.value, options=options or {}))
        for kind, gold, options, text, *_ in ROWS
    ]
    lenient = [verdict.lenient for verdict in verdicts_of(answers)]
    assert lenient == [{None: "unscored", True: "correct", False: "incorrect"}[word] for word in said]


def test_a_reward_says_what_grading_says(said: list[bool | None]) -> None:
    questions = [
        Question(text, gold, kind.value, json.dumps(options) if options else "", "stop")
        for kind, gold, options, text, *_ in ROWS
    ]
    assert [verdict.is_correct for verdict in judge(questions)] == said


def test_a_blind_solve_says_what_grading_says(said: list[bool | None]) -> None:
    for (kind, gold, options, text, *_, note), word in zip(ROWS, said, strict=True):
        agrees = isinstance(blind_solve_outcome(gold, [text] * 3, kind, options), Accepted)
        assert agrees == (word is True), (note, text)


def test_the_difficulty_score_says_what_grading_says(said: list[bool | None]) -> None:
    for (kind, gold, options, text, *_, note), word in zip(ROWS, said, strict=True):
        asked = Asked(1, "colour", Purpose.TARGET, gold, kind, options, is_gold_confirmed=True)
        rows = [AnswerRow(id="1", sample_ix=0, text=text, num_tokens=1, finish="stop", batch=0)]
        score = score_of(asked, rows, 9)
        assert (score.num_correct, score.num_scored) == (int(word is True), int(word is not None)), (note, text)
