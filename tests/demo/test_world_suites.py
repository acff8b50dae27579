"""Questions about the mini world's pictures, their answers and the planted ways to be wrong."""

from random import Random

import pytest

from demo.world.plants import PLANTS_PER_WORLD, RULES, Rule, draw_plants, planted_answer, unplanted
from demo.world.scenes import Ball, Balls, Bar, Bars, Clock, Ground, Pair, Sum
from demo.world.suites import SUITES, Question, understand

GROUND = Ground(first=(240, 240, 240), second=(230, 230, 230), split=40, upright=True)
BARS = Bars(
    ground=GROUND,
    bars=tuple(Bar(colour=c, value=v) for c, v in (("red", 3), ("blue", 8), ("green", 1), ("black", 5))),
    x=5, y=80, width=12, gap=3, unit=8,
)  # fmt: skip
BALLS = Balls(
    ground=GROUND,
    balls=tuple(Ball(x=10 + 20 * i, y=30, radius=6, colour=c) for i, c in enumerate(("red", "blue", "red"))),
    hollow=True,
)


def clock_at(hour: int) -> Clock:
    pale, dark = (250, 250, 250), (10, 10, 10)
    return Clock(ground=GROUND, hour=hour, x=40, y=40, radius=30, face=pale, hands=dark, weight=3, round_face=True)


def ask(scene: Balls | Bars | Clock, text: str) -> Question:
    question = understand(scene, text)
    assert question is not None
    return question


def rule_named(name: str) -> Rule:
    return next(rule for rule in RULES if rule.name == name)


def test_there_are_eleven_suites_with_skills_of_their_own() -> None:
    assert len(SUITES) == len({suite.skill for suite in SUITES.values()}) == 11
    assert len({suite.image_type for suite in SUITES.values()}) >= 8


@pytest.mark.parametrize("name", SUITES)
def test_a_question_is_understood_from_its_words_alone(name: str) -> None:
    rng = Random(3)
    for _ in range(60):
        scene = SUITES[name].draw(rng)
        asked = SUITES[name].ask(scene, rng)
        assert understand(scene, asked.question, asked.options) == asked


@pytest.mark.parametrize("name", SUITES)
def test_wrong_answers_are_wrong_and_enough(name: str) -> None:
    rng = Random(4)
    for _ in range(60):
        scene = SUITES[name].draw(rng)
        asked = SUITES[name].ask(scene, rng)
        wrong = SUITES[name].wrong_answers(scene, asked)
        assert len(set(wrong)) >= 3
        assert asked.answer not in wrong


def test_a_choice_has_four_options_and_one_of_them_is_true() -> None:
    rng = Random(5)
    for name in ("shape", "relation"):
        asked = SUITES[name].ask(SUITES[name].draw(rng), rng)
        assert list(asked.options) == ["A", "B", "C", "D"]
        assert len(set(asked.options.values())) == 4
        assert asked.answer in asked.options


def test_a_choice_without_the_true_option_cannot_be_understood() -> None:
    scene = SUITES["shape"].draw(Random(1))
    wrong = [text for text in SUITES["shape"].domain if text != scene.shape][:4]
    assert understand(scene, "Name the shape.", dict(zip("ABCD", wrong, strict=True))) is None


def test_the_gold_answers_follow_from_the_scene() -> None:
    assert ask(BARS, "Which bar is tallest?").answer == "blue"
    assert ask(BARS, "How tall is the black bar?").answer == "5"
    assert ask(BALLS, "Count all balls.").answer == "3"
    assert ask(BALLS, "Count only red balls.").answer == "2"
    assert ask(clock_at(7), "Read the clock.").answer == "7"
    assert understand(BALLS, "Count only green balls.") is None
    assert understand(BALLS, "Read the clock.") is None


def test_above_is_up_in_the_picture() -> None:
    mark = Ball(x=40, y=20, radius=7, colour="red")
    scene = Pair(ground=GROUND, house=(44, 60), mark=mark, roads=(), ringed=False)
    options = dict(zip("ABCD", ("left", "above", "right", "below"), strict=True))
    asked = understand(scene, "Where is the mark from the house?", options)
    assert asked is not None
    assert asked.answer == "B"
    assert rule_named("opposite_side").answer(scene, asked) == "D"


def test_rules_are_wrong_in_their_own_way() -> None:
    assert rule_named("bar_beside_tallest").answer(BARS, ask(BARS, "Which bar is tallest?")) == "green"
    assert rule_named("shortest_for_tallest").answer(BARS, ask(BARS, "Which bar is tallest?")) == "green"
    assert rule_named("value_of_bar_beside").answer(BARS, ask(BARS, "Read the black bar.")) == "3"
    assert rule_named("all_balls_for_colour").answer(BALLS, ask(BALLS, "Count only red balls.")) == "3"
    assert rule_named("opposite_hour").answer(clock_at(7), ask(clock_at(7), "Read the clock.")) == "1"
    assert rule_named("opposite_hour").answer(clock_at(6), ask(clock_at(6), "Read the clock.")) == "12"
    assert rule_named("one_hour_late").answer(clock_at(12), ask(clock_at(12), "Read the clock.")) == "1"


def test_a_half_learnt_wording_fails_in_that_wording_only() -> None:
    rule = rule_named("how_many_means_all")
    assert rule.answer(BALLS, ask(BALLS, "How many red balls are there?")) == "3"
    assert not rule.applies(BALLS, ask(BALLS, "Count only red balls."))


def test_a_drawing_style_fails_in_that_style_only() -> None:
    rule = rule_named("hollow_one_missed")
    filled = BALLS.model_copy(update={"hollow": False})
    assert rule.answer(BALLS, ask(BALLS, "Count all balls.")) == "2"
    assert not rule.applies(filled, ask(filled, "Count all balls."))


def test_rules_come_in_three_classes_and_more() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES) >= 12
    assert len({rule.cause for rule in RULES}) >= 3


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_spoils_more_than_half_of_its_suite(rule: Rule) -> None:
    rng = Random(6)
    suite = SUITES[rule.suite]
    scenes = [suite.draw(rng) for _ in range(400)]
    assert sum(rule.applies(scene, suite.ask(scene, rng)) for scene in scenes) >= 200


def test_worlds_differ_by_seed_and_plant_three_suites() -> None:
    assert draw_plants(3) == draw_plants(3)
    assert len({draw_plants(seed) for seed in range(20)}) > 15
    for seed in range(20):
        plants = draw_plants(seed)
        assert len({rule.suite for rule in plants}) == PLANTS_PER_WORLD
        assert len(unplanted(plants)) == 8


def test_a_world_answers_wrong_only_where_a_plant_applies() -> None:
    plants = (rule_named("opposite_hour"),)
    assert planted_answer(plants, clock_at(7), ask(clock_at(7), "Read the clock.")) == "1"
    assert planted_answer(plants, BALLS, ask(BALLS, "Count all balls.")) is None


def test_a_sum_is_read_from_the_digits() -> None:
    scene = Sum(ground=GROUND, left=3, right=5, ink=(0, 0, 0), x=42, y=42, size=30, weight=1, boxed=False)
    asked = understand(scene, "What is the sum?")
    assert asked is not None
    assert asked.answer == "8"
    assert rule_named("larger_digit_for_sum").answer(scene, asked) == "5"
