"""The teacher may judge: it understands the product's judge requests and quotes what stands in the answer."""

import json
from random import Random

import pytest

from core.completion import parse_choice
from core.domain.files import hash_bytes, write_atomic
from core.media import media_path
from core.provider import CallRequest, ImageRef
from demo.teacher.app import MODEL, Teacher
from demo.teacher.bill import Book
from demo.world.scenes import to_png
from demo.world.suites import SUITES
from diagnostics.domain.panel import quote_stands
from diagnostics.judging.requests import Case, judge_request, label_request
from diagnostics.judging.schemas import Judgement, Labelling


@pytest.fixture
def teacher(tmp_path):
    return Teacher(Book(tmp_path / "log.jsonl"), seed=1, error_rate=0.0)


def said(teacher: Teacher, request: CallRequest) -> str:
    status, reply = teacher.complete(json.dumps(request.body(MODEL)).encode(), "")
    assert status == 200, reply
    return reply["choices"][0]["message"]["content"]


def case_of(name: str, answer: str, gold: str, options: dict[str, str] | None = None) -> Case:
    png = to_png(SUITES[name].draw(Random(3)))
    sha256 = hash_bytes(png)
    write_atomic(media_path(sha256), png)
    return Case("x/0", (ImageRef(sha256, "image/png"),), "What is it?", options or {}, gold, answer)


@pytest.mark.parametrize(
    ("answer", "gold", "options", "verdict"),
    [
        ("I count.\nThe answer is \\boxed{7}", "7", None, "correct"),
        ("The answer is 8", "7", None, "incorrect"),
        ("It is B.", "B", {"A": "red", "B": "blue"}, "correct"),
        ("green", "blue", None, "incorrect"),
    ],
)
def test_the_teacher_judges_by_the_gold_answer_and_quotes(teacher, answer, gold, options, verdict):
    word = parse_choice(said(teacher, judge_request(case_of("count", answer, gold, options), "judge")), Judgement)
    assert word is not None and word.verdict == verdict
    assert quote_stands(word.evidence, answer)


def test_the_teacher_labels_a_picture_by_what_it_shows(teacher):
    case = case_of("sum", "The answer is 8", "7")
    word = parse_choice(said(teacher, label_request(case, "judge")), Labelling)
    assert word is not None
    assert (word.image_type, word.error_type) == (SUITES["sum"].image_type, "calculation")
