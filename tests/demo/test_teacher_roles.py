"""What the teacher says in each role, by the schemas of the agents, and how often it is wrong."""

import json
from collections import Counter
from random import Random

import pytest
from pydantic import BaseModel

from demo.teacher.app import Teacher
from demo.teacher.bill import Book, read_bills
from demo.teacher.spoiling import KINDS
from demo.world.scenes import Scene
from demo.world.suites import SUITES, understand
from tests.demo.teaching import OpenBook, ask, request, scene_of, text_of, write_question


class Plan(BaseModel):
    question_type: str
    plan: str
    queries: tuple[str, str]
    edit_goal: str


class Option(BaseModel):
    letter: str
    text: str


class WrittenQuestion(BaseModel):
    question: str
    options: list[Option]
    answer: str
    answer_type: str


class Validation(BaseModel):
    valid: bool
    reason: str


class Solve(BaseModel):
    answer: str


@pytest.fixture
def teacher(tmp_path):
    return Teacher(Book(tmp_path / "log.jsonl"), seed=1, error_rate=0.0)


@pytest.fixture
def spoiler(tmp_path):
    return Teacher(OpenBook(tmp_path / "log.jsonl"), seed=1, error_rate=1.0)


def validation(teacher: Teacher, scene: Scene, written: dict, skill: str, seed: int = 0) -> Validation:
    options = {one["letter"]: one["text"] for one in written["options"]}
    facts = {"skill": skill, "question": written["question"], "options": options, "proposed_answer": written["answer"]}
    return Validation.model_validate_json(ask(teacher, request("Validation", text_of(facts), scene, seed=seed))[0])


def solves(teacher: Teacher, scene: Scene | None, written: dict, n: int = 3, temperature: float = 1.0) -> list[str]:
    facts = {"question": written["question"], "options": written["options"]}
    body = request("Solve", text_of(facts), scene, n=n, temperature=temperature, seed=5)
    return [Solve.model_validate_json(text).answer for text in ask(teacher, body)]


@pytest.mark.parametrize("suite", SUITES.values(), ids=list(SUITES))
def test_a_clean_question_is_true_of_its_picture_and_passes_every_other_role(teacher, suite):
    plan = Plan.model_validate_json(
        ask(teacher, request("Plan", f"skill: {suite.skill}\nimage type: {suite.image_type}"))[0]
    )
    assert plan.question_type == suite.answer_type
    for seed in range(10):
        scene, written = write_question(teacher, suite, seed)
        WrittenQuestion.model_validate(written)
        options = {one["letter"]: one["text"] for one in written["options"]}
        asked = understand(scene, written["question"], options)
        assert asked is not None and (asked.answer, asked.answer_type) == (written["answer"], written["answer_type"])
        assert SUITES[asked.suite].skill == suite.skill
        assert validation(teacher, scene, written, suite.skill).valid
        assert solves(teacher, scene, written, temperature=0.0) == [written["answer"]] * 3


def test_facts_are_read_from_lines_as_well_as_from_json(teacher):
    scene = scene_of("bar_value", 3)
    value = next(bar for bar in scene.bars)
    lines = f"skill: chart.value\nquestion: How tall is the {value.colour} bar?\nanswer: {value.value}"
    verdict = Validation.model_validate_json(ask(teacher, request("Validation", lines, scene))[0])
    assert verdict.valid
    choice = "question: Which shape is this?\noptions:\nA. star\nB. circle\nC. square\nD. heart\n"
    shape = next(shape for shape in (scene_of("shape", seed) for seed in range(50)) if shape.shape == "square")
    assert ask(teacher, request("Solve", choice, shape)) == ['{"answer": "C"}']


def test_a_draw_at_temperature_one_is_wrong_about_once_in_twenty(teacher):
    drawn = []
    for seed in range(60):
        suite = SUITES["clock" if seed % 2 else "shape"]
        scene, written = write_question(teacher, suite, seed)
        drawn += [answer == written["answer"] for answer in solves(teacher, scene, written, n=30)]
    assert 0.035 < 1 - sum(drawn) / len(drawn) < 0.065


def test_all_eight_kinds_are_played_and_about_six_in_ten_that_can_be_seen_are_caught(spoiler):
    caught: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for i in range(1100):
        suite = list(SUITES.values())[i % len(SUITES)]
        scene = suite.draw(Random(i))
        text = ask(spoiler, request("WrittenQuestion", text_of({"skill": suite.skill}), scene, seed=i))[0]
        kind = spoiler.book.bills[-1].faults[0]
        if kind == "malformed":
            with pytest.raises(ValueError):
                WrittenQuestion.model_validate_json(text)
            continue
        written = WrittenQuestion.model_validate_json(text).model_dump()
        caught[kind].append(not validation(spoiler, scene, written, suite.skill, seed=i).valid)
    assert caught.pop("malformed") == []
    assert not any(caught.pop("duplicate"))
    for kind, seen in caught.items():
        assert len(seen) > 70, kind
        assert 0.42 < sum(seen) / len(seen) < 0.78, (kind, sum(seen) / len(seen))


def test_spoiled_questions_come_at_the_error_rate_and_no_reply_says_so(tmp_path):
    teacher = Teacher(Book(tmp_path / "log.jsonl"), seed=2, error_rate=0.2)
    for seed in range(500):
        write_question_text(teacher, seed)
    bills = list(read_bills(tmp_path / "log.jsonl"))
    spoiled = [bill for bill in bills if bill.faults[0]]
    assert 0.15 < len(spoiled) / len(bills) < 0.25
    for bill in bills:
        assert not any(kind in text for kind in (*KINDS, "fault", "spoil") for text in bill.choices)


def write_question_text(teacher: Teacher, seed: int) -> str:
    suite = list(SUITES.values())[seed % len(SUITES)]
    return ask(teacher, request("WrittenQuestion", text_of({"skill": suite.skill}), suite.draw(Random(seed))))[0]


def test_repeating_itself_the_writer_asks_one_question_of_one_picture(spoiler):
    suite, scene = SUITES["shape"], scene_of("shape", 4)
    facts = text_of({"skill": suite.skill})
    asked = Counter()
    for seed in range(300):
        text = ask(spoiler, request("WrittenQuestion", facts, scene, seed=seed))[0]
        if spoiler.book.bills[-1].faults[0] == "duplicate":
            asked[text] += 1
    assert len(asked) == 1 and asked.total() > 20


@pytest.mark.parametrize("skill", ["time.hour", "no.such.skill"])
def test_a_picture_that_cannot_serve_the_skill_gives_a_question_that_never_validates(teacher, skill):
    for seed in range(20):
        scene = scene_of("colour", seed)
        written = json.loads(ask(teacher, request("WrittenQuestion", text_of({"skill": skill}), scene, seed=seed))[0])
        verdicts = [validation(teacher, scene, written, skill, seed=draw).valid for draw in range(5)]
        assert not any(verdicts)


def test_a_leaked_or_image_blind_question_is_answered_without_the_picture_and_a_sound_one_is_not(teacher):
    leaked = {"question": "How many balls are there? (It is 7.)", "options": []}
    blind = {"question": "How many sides does a triangle have?", "options": []}
    assert solves(teacher, None, leaked, temperature=0.0) == ["7"] * 3
    assert solves(teacher, None, blind, temperature=0.0) == ["3"] * 3
    sound = {"question": "What is the sum?", "options": []}
    assert solves(teacher, scene_of("clock", 1), sound) == [""] * 3
    assert len(set(solves(teacher, None, sound, n=40))) > 2


def test_an_unknown_schema_a_missing_picture_and_a_foreign_picture_are_bad_requests(teacher):
    foreign = request("Solve", "question: What hour is it?")
    foreign["messages"][1]["content"].append({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}})
    for body in (
        request("Poem", "skill: x"),
        request("WrittenQuestion", "skill: time.hour"),
        foreign,
        {"model": "m"},
        request("Solve", "question: x", n=1000),
        [],
    ):
        status, reply = teacher.complete(json.dumps(body).encode(), "key")
        assert status == 400 and reply["error"]["message"]
    assert teacher.complete(b"no json", "")[0] == 400
    assert teacher.book.num_paid == 0
