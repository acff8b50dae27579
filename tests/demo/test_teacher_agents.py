"""The teacher understands the very words in which the product's agents are asked."""

import json
from random import Random

import pytest

from core.asking import repair_request
from core.completion import parse_choice
from core.domain.files import hash_bytes, write_atomic
from core.media import media_path
from core.provider import CallRequest, ImageRef
from datagen.agents.requests import Task, planner_request, solver_request, validator_request
from datagen.agents.requests import writer_request as asked_to_write
from datagen.agents.schemas import Plan, Solve, Validation, WrittenQuestion
from datagen.drafts import Draft, draft_of
from demo.teacher.app import MODEL, Teacher
from demo.teacher.bill import Book
from demo.world.scenes import to_png
from demo.world.suites import SUITES, Suite


@pytest.fixture
def teacher(tmp_path):
    return Teacher(Book(tmp_path / "log.jsonl"), seed=1, error_rate=0.0)


def said(teacher: Teacher, request: CallRequest) -> list[str]:
    status, reply = teacher.complete(json.dumps(request.body(MODEL)).encode(), "")
    assert status == 200, reply
    return [choice["message"]["content"] for choice in reply["choices"]]


def task_of(suite: Suite, seed: int) -> Task:
    png = to_png(suite.draw(Random(seed)))
    name = hash_bytes(png)
    write_atomic(media_path(name), png)
    brief = "The model is to get better at this skill. Earlier it failed: answer: none\nquestion: another one?"
    image = ImageRef(name, "image/png")
    return Task(f"s{seed}", seed, suite.skill, suite.image_type, suite.answer_type, brief, image)


@pytest.mark.parametrize("suite", SUITES.values(), ids=list(SUITES))
def test_every_role_answers_the_products_requests_by_their_schemas_and_agrees_with_the_others(teacher, suite):
    for seed in range(5):
        task = task_of(suite, seed)
        plan = parse_choice(said(teacher, planner_request(task))[0], Plan)
        assert plan is not None and plan.question_type == task.question_type
        written = parse_choice(said(teacher, asked_to_write(task, plan))[0], WrittenQuestion)
        assert written is not None
        draft = draft_of(written, task.question_type)
        assert isinstance(draft, Draft), draft
        validation = parse_choice(said(teacher, validator_request(task, draft))[0], Validation)
        assert validation == Validation(valid=True, reason="")
        solves = [parse_choice(text, Solve) for text in said(teacher, solver_request(task, draft))]
        assert len(solves) == 3
        assert sum(solve is not None and solve.answer == draft.answer for solve in solves) >= 2


def test_a_repaired_request_is_understood_although_the_last_reply_stands_in_it(teacher):
    task = task_of(SUITES["clock"], 1)
    plan = parse_choice(said(teacher, planner_request(task))[0], Plan)
    request = asked_to_write(task, plan)
    again = repair_request(request, '{"question": "skill: colour.name\n>>> torn')
    written = parse_choice(said(teacher, again)[0], WrittenQuestion)
    assert written is not None and written.answer_type == "number"
