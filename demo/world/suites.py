"""Eleven suites, each one skill: what to draw, how to ask, what is true."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from demo.world import answers, draws
from demo.world.drawing import OUTLINES
from demo.world.palette import COLOURS
from demo.world.scenes import Balls, Bars, Frozen, Scene

AnswerType = Literal["choice", "number", "text"]
WORDING_WEIGHTS = (0.7, 0.15, 0.15)
LETTERS = "ABCD"
NUM_WRONG = 3


class Question(Frozen):
    """One question about one scene; ``target`` names what it asks about, ``wording`` the template it was made from."""

    suite: str
    question: str
    options: dict[str, str]
    answer: str
    answer_type: AnswerType
    target: tuple[str, ...] = ()
    wording: int = 0

    @property
    def value(self) -> str:
        """The gold answer in words: for a choice the text behind the letter."""
        return self.options.get(self.answer, self.answer)

    def say(self, value: str) -> str | None:
        """How ``value`` is answered here: itself, or the letter of the option; ``None`` when no option says it."""
        if not self.options:
            return value
        return next((letter for letter, text in self.options.items() if text == value), None)


@dataclass(frozen=True)
class Suite:
    """One skill. ``domain`` lists every possible answer (empty: free numbers or words)."""

    name: str
    skill: str
    image_type: str
    answer_type: AnswerType
    kind: str
    wordings: tuple[str, ...]
    domain: tuple[str, ...]
    draw: Callable[[Random], Any]
    gold: Callable[[Any, tuple[str, ...]], str]
    targets: Callable[[Any], list[tuple[str, ...]]]

    def ask(self, scene: Scene, rng: Random) -> Question:
        """A question about ``scene`` in one of the suite's wordings."""
        wording = rng.choices(range(len(self.wordings)), WORDING_WEIGHTS)[0]
        target = rng.choice(self.targets(scene))
        value = self.gold(scene, target)
        options = self._options(value, rng)
        asked = Question(
            suite=self.name,
            question=self.wordings[wording].format(*target),
            options=options,
            answer=value,
            answer_type=self.answer_type,
            target=target,
            wording=wording,
        )
        return asked.model_copy(update={"answer": asked.say(value)})

    def _options(self, value: str, rng: Random) -> dict[str, str]:
        if self.answer_type != "choice":
            return {}
        texts = [
            value,
            *rng.sample([text for text in self.domain if text != value], NUM_WRONG),
        ]
        rng.shuffle(texts)
        return dict(zip(LETTERS, texts, strict=True))

    def wrong_answers(self, scene: Scene, question: Question) -> list[str]:
        """Plausible answers that are false, most tempting first: at least three."""
        if question.options:
            return [letter for letter in question.options if letter != question.answer]
        if self.answer_type == "number":
            gold = int(question.answer)
            return [str(gold + step) for step in (1, -1, 2, 10, -2) if gold + step >= 0]
        if self.domain:
            return [text for text in self.domain if text != question.answer]
        turned = [question.answer[i:] + question.answer[:i] for i in (1, 2)]
        return [text for text in (question.answer[::-1], *turned) if text != question.answer]


def _nothing(scene: Scene) -> list[tuple[str, ...]]:
    return [()]


def _ball_colours(scene: Balls) -> list[tuple[str, ...]]:
    return [(colour,) for colour in sorted({ball.colour for ball in scene.balls})]


def _bar_colours(scene: Bars) -> list[tuple[str, ...]]:
    return [(bar.colour,) for bar in scene.bars]


def _suite(
    name: str,
    skill: str,
    looks: str,
    kind: str,
    answer_type: AnswerType,
    *wordings: str,
) -> Suite:
    return Suite(
        name=name,
        skill=skill,
        image_type=looks,
        answer_type=answer_type,
        kind=kind,
        wordings=wordings,
        domain=DOMAINS.get(name, ()),
        draw=DRAWS[name],
        gold=GOLD[name],
        targets=TARGETS.get(name, _nothing),
    )


DOMAINS: dict[str, tuple[str, ...]] = {
    "colour": tuple(COLOURS),
    "shape": tuple(OUTLINES),
    "relation": tuple(answers.OPPOSITES),
    "tallest": draws.SATURATED,
}
DRAWS: dict[str, Callable[[Random], Any]] = {
    "colour": draws.paint,
    "shape": draws.shape,
    "count": draws.balls,
    "count_colour": draws.two_coloured_balls,
    "relation": draws.pair,
    "number": draws.display,
    "word": draws.page,
    "tallest": draws.bars,
    "bar_value": draws.bars,
    "clock": draws.clock,
    "sum": draws.digits,
}
GOLD: dict[str, Callable[[Any, tuple[str, ...]], str]] = {
    "colour": answers.colour,
    "shape": answers.shape,
    "count": answers.count,
    "count_colour": answers.count_colour,
    "relation": answers.relation,
    "number": answers.number,
    "word": answers.word,
    "tallest": answers.tallest,
    "bar_value": answers.bar_value,
    "clock": answers.clock,
    "sum": answers.total,
}
TARGETS: dict[str, Callable[[Any], list[tuple[str, ...]]]] = {
    "count_colour": _ball_colours,
    "bar_value": _bar_colours,
}
_ALL = (
    _suite("colour", "colour.name", "artistic", "paint", "text",
           "What colour is the blob?", "Name the blob's colour.", "Which colour was painted on top?"),
    _suite("shape", "shape.name", "geometric", "shape", "choice",
           "Which shape is this?", "What is drawn here?", "Name the shape."),
    _suite("count", "count.objects", "everyday_object", "balls", "number",
           "How many balls are there?", "Count all balls.", "What is the number of balls?"),
    _suite("count_colour", "count.colour", "everyday_object", "balls", "number",
           "How many {} balls are there?", "Count only {} balls.", "What is the number of {} balls?"),
    _suite("relation", "space.relation", "map", "pair", "choice",
           "Where is the mark from the house?", "Which side of the house is marked?", "Which way is the mark?"),
    _suite("number", "read.number", "medical", "display", "number",
           "Which number is shown?", "Read the monitor.", "What does the monitor say?"),
    _suite("word", "read.word", "text_dense", "page", "text",
           "Which word is printed?", "Read the word.", "What does the page say?"),
    _suite("tallest", "chart.tallest", "chart_graph", "bars", "text",
           "Which bar is tallest?", "Name the tallest bar.", "Which colour is the highest bar?"),
    _suite("bar_value", "chart.value", "chart_graph", "bars", "number",
           "How tall is the {} bar?", "Read the {} bar.", "What is the value of the {} bar?"),
    _suite("clock", "time.hour", "architectural", "clock", "number",
           "Which hour does the clock show?", "Read the clock.", "What hour is it?"),
    _suite("sum", "math.sum", "math_formula", "sum", "number",
           "What is the sum?", "Add the two digits.", "What does it add up to?"),
)  # fmt: skip
SUITES: dict[str, Suite] = {suite.name: suite for suite in _ALL}
IMAGE_TYPES: dict[str, str] = {suite.kind: suite.image_type for suite in _ALL}


def _pattern(wording: str) -> re.Pattern[str]:
    return re.compile("([a-z]+)".join(re.escape(part) for part in wording.split("{}")))


_PATTERNS = [(suite, i, _pattern(text)) for suite in _ALL for i, text in enumerate(suite.wordings)]


def understand(scene: Scene, text: str, options: dict[str, str] | None = None) -> Question | None:
    """The question that ``text`` asks about ``scene``, with its gold answer; ``None`` when it cannot be answered.

    This is how the teacher solves a question of which it knows only the words.
    """
    for suite, wording, pattern in _PATTERNS:
        match = pattern.fullmatch(text.strip())
        if not match or suite.kind != scene.kind or match.groups() not in suite.targets(scene):
            continue
        value = suite.gold(scene, match.groups())
        asked = Question(
            suite=suite.name,
            question=text.strip(),
            options=options or {},
            answer=value,
            answer_type=suite.answer_type,
            target=match.groups(),
            wording=wording,
        )
        letter = asked.say(value)
        return None if letter is None else asked.model_copy(update={"answer": letter})
    return None
