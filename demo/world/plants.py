"""Planted blind spots: systematic wrong answers with a known cause, in skills that the model perceives well."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from demo.world import answers
from demo.world.palette import next_colour
from demo.world.scenes import Balls, Bars, Clock, Display, Page, Paint, Pair, Scene, Sum
from demo.world.suites import SUITES, Question

PLANTS_PER_WORLD = 3
WrongValue = Callable[[Any, Question], str]


@dataclass(frozen=True)
class Rule:
    """One way to be wrong in one suite; ``wrong`` returns the gold value where the rule does not apply."""

    name: str
    cause: str
    suite: str
    wrong: WrongValue

    def answer(self, scene: Scene, question: Question) -> str:
        """What a model with this blind spot answers: a letter for a choice, else the value itself."""
        return question.say(self.wrong(scene, question)) or question.answer

    def applies(self, scene: Scene, question: Question) -> bool:
        """Whether the rule makes this very question go wrong."""
        return question.suite == self.suite and self.answer(scene, question) != question.answer


def _neighbour(scene: Bars, colour: str) -> int:
    names = [bar.colour for bar in scene.bars]
    return (names.index(colour) + 1) % len(names)


def _shifted_count(scene: Balls, question: Question) -> str:
    return str(len(scene.balls) + 1)


def _shifted_value(scene: Bars, question: Question) -> str:
    return str(int(question.value) + 1)


def _later_hour(scene: Clock, question: Question) -> str:
    return str(scene.hour % 12 + 1)


def _sum_and_one(scene: Sum, question: Question) -> str:
    return str(scene.left + scene.right + 1)


def _next_colour(scene: Paint, question: Question) -> str:
    return next_colour(scene.colour)


def _canvas(scene: Paint, question: Question) -> str:
    return scene.canvas


def _all_balls(scene: Balls, question: Question) -> str:
    return str(len(scene.balls))


def _bar_beside(scene: Bars, question: Question) -> str:
    return scene.bars[_neighbour(scene, question.value)].colour


def _shortest(scene: Bars, question: Question) -> str:
    return min(scene.bars, key=lambda bar: bar.value).colour


def _value_beside(scene: Bars, question: Question) -> str:
    return str(scene.bars[_neighbour(scene, question.target[0])].value)


def _larger_digit(scene: Sum, question: Question) -> str:
    return str(max(scene.left, scene.right))


def _opposite_hour(scene: Clock, question: Question) -> str:
    return str((scene.hour + 5) % 12 + 1)


def _opposite_side(scene: Pair, question: Question) -> str:
    return answers.OPPOSITES[question.value]


def _reversed_number(scene: Display, question: Question) -> str:
    return str(scene.number)[::-1]


def _reversed_word(scene: Page, question: Question) -> str:
    return scene.word[::-1]


def _how_many(scene: Balls, question: Question) -> str:
    return str(len(scene.balls) + 2) if question.wording == 0 else question.value


def _how_many_of_colour(scene: Balls, question: Question) -> str:
    return _all_balls(scene, question) if question.wording == 0 else question.value


def _hollow(scene: Balls, question: Question) -> str:
    return str(len(scene.balls) - 1) if scene.hollow else question.value


def _ringed(scene: Pair, question: Question) -> str:
    return _opposite_side(scene, question) if scene.ringed else question.value


def _round_face(scene: Clock, question: Question) -> str:
    return _opposite_hour(scene, question) if scene.round_face else question.value


OFF_BY, REFERENT, MIRROR = "off_by_rule", "wrong_referent", "mirrored"
WORDING, STYLE = "half_learnt_wording", "drawing_style"
RULES: tuple[Rule, ...] = (
    Rule("one_too_many", OFF_BY, "count", _shifted_count),
    Rule("one_unit_too_high", OFF_BY, "bar_value", _shifted_value),
    Rule("one_hour_late", OFF_BY, "clock", _later_hour),
    Rule("sum_plus_one", OFF_BY, "sum", _sum_and_one),
    Rule("next_colour", OFF_BY, "colour", _next_colour),
    Rule("canvas_for_blob", REFERENT, "colour", _canvas),
    Rule("all_balls_for_colour", REFERENT, "count_colour", _all_balls),
    Rule("bar_beside_tallest", REFERENT, "tallest", _bar_beside),
    Rule("shortest_for_tallest", REFERENT, "tallest", _shortest),
    Rule("value_of_bar_beside", REFERENT, "bar_value", _value_beside),
    Rule("larger_digit_for_sum", REFERENT, "sum", _larger_digit),
    Rule("opposite_hour", MIRROR, "clock", _opposite_hour),
    Rule("opposite_side", MIRROR, "relation", _opposite_side),
    Rule("reversed_number", MIRROR, "number", _reversed_number),
    Rule("reversed_word", MIRROR, "word", _reversed_word),
    Rule("how_many_plus_two", WORDING, "count", _how_many),
    Rule("how_many_means_all", WORDING, "count_colour", _how_many_of_colour),
    Rule("hollow_one_missed", STYLE, "count", _hollow),
    Rule("ringed_opposite_side", STYLE, "relation", _ringed),
    Rule("round_face_opposite_hour", STYLE, "clock", _round_face),
)


def draw_plants(seed: int) -> tuple[Rule, ...]:
    """The three rules of the world with this seed, in three different suites; equal seeds give equal worlds."""
    rng = Random(f"plants-{seed}")
    suites = rng.sample(sorted({rule.suite for rule in RULES}), PLANTS_PER_WORLD)
    return tuple(rng.choice([rule for rule in RULES if rule.suite == suite]) for suite in suites)


def planted_answer(plants: tuple[Rule, ...], scene: Scene, question: Question) -> str | None:
    """The wrong answer that a plant of this world gives here; ``None`` where no plant applies."""
    return next(
        (rule.answer(scene, question) for rule in plants if rule.applies(scene, question)),
        None,
    )


def unplanted(plants: tuple[Rule, ...]) -> list[str]:
    """The suites without a plant, in the order of ``SUITES``."""
    return [name for name in SUITES if name not in {rule.suite for rule in plants}]
