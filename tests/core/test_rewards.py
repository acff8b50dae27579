"""What a completion is worth, without torch: the composed reward, its controls, and rewards of one's own."""

from importlib.metadata import EntryPoint
from typing import Any

import pytest

import core.domain.rewards
from core.campaign_settings import parse_settings, settings_problems
from core.domain.answers import has_format
from core.domain.prompts import question_messages
from core.domain.rewards import (
    Marks,
    Recipe,
    asks_for_box,
    check_reward,
    overlong,
    own_parts,
    reward_parts,
    reward_version,
)
from core.errors import InvalidInput
from core.specs import GrpoSettings


def marks(is_correct: bool | None = True, has_box: bool = True, **facts: Any) -> Marks:
    given = {"asks_for_format": True, "num_tokens": 10, "place": (1, "s", 0)}
    return Marks(is_correct=is_correct, has_format=has_box, **(given | facts))


def test_accuracy_and_format_add_up_and_what_is_unknown_counts_in_nothing():
    assert reward_parts(marks(), Recipe()) == {"accuracy": 0.9, "format": 0.1}
    assert reward_parts(marks(False), Recipe()) == {"accuracy": 0.0, "format": 0.1}
    assert reward_parts(marks(None), Recipe()) == {}


def test_format_is_worth_something_only_where_the_prompt_asks_for_it():
    assert reward_parts(marks(asks_for_format=False), Recipe()) == {"accuracy": 0.9}
    ours = question_messages("How many?", {"A": "one", "B": "two"})
    assert asks_for_box(ours) and has_format("\\boxed{A}")
    assert not asks_for_box([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "How many?"}]}])
    assert asks_for_box([{"role": "system", "content": "Answer in \\boxed{}."}])


def test_length_shaping_is_off_by_default_and_begins_at_half_of_the_limit():
    assert "length" not in reward_parts(marks(num_tokens=64), Recipe()) and GrpoSettings().length_weight == 0
    assert [overlong(n, 100) for n in (0, 50, 75, 100)] == [0.0, 0.0, 0.5, 1.0]
    assert reward_parts(marks(num_tokens=75), Recipe(length=0.2, max_tokens=100))["length"] == -0.1


def test_a_random_reward_is_a_coin_for_each_place_and_knows_no_answer():
    recipe = Recipe(name="random", seed=5)
    coins = [reward_parts(marks(False, place=(step, "s", ix)), recipe)["random"] for step in range(50) for ix in (0, 1)]
    assert coins == [
        reward_parts(marks(True, place=(step, "s", ix)), recipe)["random"] for step in range(50) for ix in (0, 1)
    ]
    assert set(coins) == {0.0, 1.0} and 30 < sum(coins) < 70
    assert coins != [
        reward_parts(marks(place=(step, "s", ix)), Recipe(name="random", seed=6))["random"]
        for step in range(50)
        for ix in (0, 1)
    ]


def test_format_only_pays_the_box_alone():
    assert reward_parts(marks(False), Recipe(name="format_only")) == {"format": 1.0}
    assert reward_parts(marks(True, False), Recipe(name="format_only")) == {"format": 0.0}


def test_a_reward_of_one_s_own_gives_a_number_parts_or_nothing():
    assert reward_parts(marks(own={"short": 0.5}), Recipe(name="mine")) == {"short": 0.5}
    assert reward_parts(marks(own=None), Recipe(name="mine")) == {}
    assert (own_parts(2), own_parts({"a": 1}), own_parts(None)) == ({"own": 2.0}, {"a": 1.0}, None)


def test_an_unknown_reward_fails_at_save_by_name_and_an_installed_one_does_not(monkeypatch):
    with pytest.raises(InvalidInput, match=r"settings\.grpo\.reward: there is no reward 'mine'") as caught:
        parse_settings({"grpo": {"reward": "mine"}})
    assert caught.value.field == "settings.grpo.reward"
    assert "grpo.reward" in settings_problems({"grpo": {"reward": "mine"}})
    point = EntryPoint(name="mine", value="nowhere:nothing", group="dpe.rewards")
    monkeypatch.setattr(core.domain.rewards, "entry_points", lambda group: [point] if group == "dpe.rewards" else [])
    assert parse_settings({"grpo": {"reward": "mine"}}).grpo.reward == "mine", "known by name; nothing was loaded"
    check_reward("random")


def test_the_version_of_what_made_a_reward_is_said():
    assert reward_version("composed") == "composed (rewards-2)"
