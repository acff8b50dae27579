"""How the teacher understands a question, also one of those that are faulty on purpose."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from demo.world.scenes import Scene
from demo.world.suites import SUITES, Question, Suite, understand

SKILLS: dict[str, Suite] = {suite.skill: suite for suite in SUITES.values()}
LEAK = re.compile(r"(?P<question>.+) \(It is (?P<value>[^()]+)\.\)")
AMBIGUOUS: dict[str, str] = {
    "What colour is it?": "colour",
    "What is it?": "shape",
    "How many are there?": "count",
    "How many balls have that colour?": "count_colour",
    "Where is it?": "relation",
    "Which digits are meant?": "number",
    "What can be read?": "word",
    "Which bar is the one?": "tallest",
    "How tall is that bar?": "bar_value",
    "What does it show?": "clock",
    "What is the result?": "sum",
}
# Answerable by anybody without a picture: question, answer, other options.
BLIND: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "text": ("Which colour has a clear sky at noon?", "blue", ("red", "green", "black")),
    "number": ("How many sides does a triangle have?", "3", ("4", "5", "6")),
    "choice": ("Which of these has three corners?", "triangle", ("circle", "square", "star")),
}
# About the picture, but about nothing that any suite tests.
ASIDES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "paint": ("What colour is the canvas?", lambda scene: str(scene.canvas)),
    "shape": ("What colour is the shape?", lambda scene: str(scene.colour)),
    "balls": ("Are the balls hollow or filled?", lambda scene: "hollow" if scene.hollow else "filled"),
    "pair": ("Has the mark a ring?", lambda scene: "yes" if scene.ringed else "no"),
    "display": ("How many digits are there?", lambda scene: str(len(str(scene.number)))),
    "page": ("What is the first letter?", lambda scene: str(scene.word[0])),
    "bars": ("How many bars are there?", lambda scene: str(len(scene.bars))),
    "clock": ("Is the face round or square?", lambda scene: "round" if scene.round_face else "square"),
    "sum": ("Which digit stands on the left?", lambda scene: str(scene.left)),
}


@dataclass(frozen=True)
class Reading:
    """What a question may mean: its possible answers in words, the likeliest first, and the skill that it tests.

    ``fault`` is ``ambiguous``, ``answer_leaked`` or ``image_blind``; empty when the question is sound.
    """

    answers: tuple[str, ...]
    skill: str
    fault: str = ""


def read_question(scene: Scene | None, text: str) -> Reading | None:
    """How a careful reader takes the question; None when this picture (or none) cannot answer it."""
    blind = next((answer for asked, answer, _ in BLIND.values() if asked == text), None)
    if blind is not None:
        return Reading((blind,), "", "image_blind")
    leak = LEAK.fullmatch(text)
    if leak:
        inner = read_question(scene, leak["question"])
        return Reading((leak["value"],), inner.skill if inner else "", "answer_leaked")
    if scene is None:
        return None
    sound = understand(scene, text)
    if sound:
        return Reading((sound.value,), SUITES[sound.suite].skill)
    return read_aside(scene, text) or read_ambiguous(scene, text)


def read_aside(scene: Scene, text: str) -> Reading | None:
    """A question about something that no suite tests."""
    asked, answer = ASIDES[scene.kind]
    return Reading((answer(scene),), "") if asked == text else None


def read_ambiguous(scene: Scene, text: str) -> Reading | None:
    """A question that may mean several things: what it should mean, and what it may be taken for."""
    suite = SUITES.get(AMBIGUOUS.get(text, ""))
    if suite is None or suite.kind != scene.kind:
        return None
    meant = plain_question(scene, suite)
    return Reading((meant.answer, *suite.wrong_answers(scene, meant)[:2]), suite.skill, "ambiguous")


def plain_question(scene: Scene, suite: Suite) -> Question:
    """The suite's first wording about its first target, answered in words."""
    target = suite.targets(scene)[0]
    found = understand(scene, suite.wordings[0].format(*target))
    assert found is not None
    return found
