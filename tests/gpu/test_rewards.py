"""One reward a completion; unknown is not wrong, slow is not a crash, a crash is not a zero."""

import dataclasses
import sys
from typing import Any

import pytest

import gpu.rewards
from core.specs import GrpoSettings
from gpu.errors import GpuFault
from gpu.grader import Grader, Question, Verdict, judge
from gpu.rewards import ComposedReward, recipe_of
from gpu.rollouts import Scored
from gpu.slices import generation_metrics, run_metrics
from gpu.train import checked_reward

RECIPE = recipe_of(GrpoSettings(num_generations=2), seed=1)
STOP = 9
HANGS_ON_THIRD = """
import sys, time, json
for i, line in enumerate(sys.stdin):
    texts = [question["text"] for question in json.loads(line)]
    if "slow" in texts: time.sleep(60)
    print(json.dumps([{"is_correct": True, "has_format": True} for _ in texts]), flush=True)
"""


def reward_of(grader: Grader, texts: list[str], **columns: Any) -> tuple[list[float | None], ComposedReward]:
    count = len(texts)
    defaults: dict[str, Any] = {"solution": ["red"] * count, "answer_type": ["text"] * count, "options": [None] * count}
    columns = defaults | columns
    ids = columns.pop("completion_ids", [[1, STOP]] * count)
    skill = columns.pop("skill", ["colour"] * count)
    reward = ComposedReward(RECIPE, grader, is_whole=lambda ids: ids[-1] == STOP)
    completions = [[{"role": "assistant", "content": text}] for text in texts]
    columns = {"sample_id": [f"s{number // 2}" for number in range(count)]} | columns
    return reward(completions=completions, completion_ids=ids, skill=skill, prompts=[], **columns), reward


def scored(verdict: Verdict, reward: float | None = 0.0, skill: str = "a", purpose: str = "", **facts: Any) -> Scored:
    given: dict[str, Any] = {"text": "red", "num_tokens": 4, "is_whole": True, "parts": {}, "sample_id": "s"}
    return Scored(verdict=verdict, reward=reward, skill=skill, purpose=purpose, **(given | facts))


@pytest.fixture
def grader() -> Any:
    grader = Grader()
    yield grader
    grader.close()


def test_accuracy_is_lenient_and_format_strict(grader: Grader) -> None:
    texts = ["\\boxed{red}", "The answer is red.", "\\boxed{blue}", "It is blue."]
    rewards, _ = reward_of(grader, texts)
    assert rewards == pytest.approx([1.0, 0.9, 0.1, 0.0])


def test_a_gold_answer_that_cannot_be_read_gives_no_reward_at_all_and_an_alarm(
    grader: Grader, caplog: pytest.LogCaptureFixture
) -> None:
    rewards, reward = reward_of(
        grader, ["\\boxed{3}", "\\boxed{red}"], solution=["many", "red"], answer_type=["number", "text"]
    )
    assert rewards == [None, 1.0]
    assert "Of 2 completions 1 are unscored and 0 timed out." in caplog.text
    assert ("rewards/unscored", "", 0.5) in reward.metrics
    assert ("rewards/accuracy", "", 1.0) in reward.metrics


def test_an_answer_that_was_cut_off_is_not_correct(grader: Grader) -> None:
    rewards, _ = reward_of(grader, ["\\boxed{red}", "\\boxed{red}"], completion_ids=[[1, 2], [1, STOP]])
    assert rewards == pytest.approx([0.1, 1.0])


def test_options_are_read_from_their_json(grader: Grader) -> None:
    options = '{"A": "red", "B": "blue"}'
    columns = {"solution": ["B"] * 2, "answer_type": ["choice"] * 2, "options": [options] * 2}
    assert reward_of(grader, ["\\boxed{B}", "\\boxed{A}"], **columns)[0] == pytest.approx([1.0, 0.1])


def test_an_answer_that_takes_for_ever_is_worth_zero_and_the_next_is_graded() -> None:
    grader = Grader(limit_s=0.3, command=[sys.executable, "-c", HANGS_ON_THIRD])
    grader._limit_s = 5.0
    assert grader.ask([Question("quick", "", "text", "", "stop")]) == [Verdict(True, True)]
    grader._limit_s = 1.0
    rewards, reward = reward_of(grader, ["quick", "slow", "quick"])
    assert rewards == [1.0, 0.0, 1.0]
    assert ("rewards/timed_out", "", pytest.approx(1 / 3)) in reward.metrics
    grader._limit_s = 5.0
    assert reward_of(grader, ["quick"])[0] == [1.0]
    grader.close()


def test_a_reward_that_never_returns_ends_the_run_by_name_and_its_process_is_ended() -> None:
    grader = Grader(limit_s=0.2, start_s=0.2, command=[sys.executable, "-c", "import time; time.sleep(60)"])
    first = grader._child
    with pytest.raises(GpuFault, match="reward_failed: The reward hung at 2 of 2"):
        reward_of(grader, ["\\boxed{red}"] * 2)
    assert first.poll() is not None
    grader.close()


def test_more_than_one_time_out_in_a_hundred_is_an_alarm_in_the_curves() -> None:
    rows = [scored(Verdict(True, True))] * 98 + [scored(Verdict(False, False, timed_out=True))] * 2
    assert ("alarms/timed_out", "", 1.0) in run_metrics(rows)
    assert ("alarms/timed_out", "", 0.0) in run_metrics(rows[:98] * 2 + rows[98:99])


@pytest.mark.parametrize("program", ["import sys; sys.stdin.readline()", 'print(\'{"error": "boom"}\')'])
def test_a_crash_while_grading_ends_the_run_by_name(program: str) -> None:
    grader = Grader(command=[sys.executable, "-c", program])
    with pytest.raises(GpuFault, match="reward_failed"):
        reward_of(grader, ["\\boxed{red}"])
    grader.close()


def test_a_dataset_row_that_grading_does_not_know_is_a_crash_not_a_zero(grader: Grader) -> None:
    with pytest.raises(GpuFault, match="reward_failed"):
        reward_of(grader, ["\\boxed{red}"], answer_type=["poem"])


def test_weights_are_those_of_the_settings() -> None:
    settings = GrpoSettings(accuracy_weight=0.5, format_weight=0.25, length_weight=0.2, max_completion_tokens=9)
    recipe = recipe_of(settings, seed=3)
    assert (recipe.accuracy, recipe.format, recipe.length, recipe.max_tokens, recipe.seed) == (0.5, 0.25, 0.2, 9, 3)


OWN = """
import sys
from importlib.metadata import EntryPoint
import core.domain.rewards, gpu.grader
def count(seen): return {"short": -len(seen["text"]) / 10, "right": 2.0 * seen["is_correct"]}
class Point(EntryPoint):
    def load(self): return count
point = Point(name="count", value="x:y", group="dpe.rewards")
core.domain.rewards.entry_points = lambda group: [point]
gpu.grader.main()
"""


def test_a_reward_of_one_s_own_is_called_in_the_grading_process() -> None:
    grader = Grader(command=[sys.executable, "-c", OWN], reward="count")
    reward = ComposedReward(dataclasses.replace(RECIPE, name="count"), grader, lambda ids: True)
    said = [[{"role": "assistant", "content": text}] for text in ("red", "blue!")]
    facts: dict[str, Any] = {"solution": ["red"] * 2, "answer_type": ["text"] * 2, "options": [None] * 2}
    assert reward(said, [[1]] * 2, skill=["a"] * 2, sample_id=["s"] * 2, **facts) == pytest.approx([1.7, -0.5])
    grader.close()


def test_a_reward_of_one_s_own_that_is_not_installed_ends_the_run_by_name() -> None:
    with pytest.raises(GpuFault, match=r"bad_input: grpo\.reward: there is no reward 'mine'"):
        checked_reward("mine")


def test_curves_and_files_count_the_completions_of_every_rank(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = [scored(Verdict(False, False), skill="count", sample_id="s7")] * 2
    monkeypatch.setattr(gpu.rewards, "gather_object", lambda rows: rows + elsewhere)
    kept: list[Any] = []
    reward = ComposedReward(RECIPE, grader, lambda ids: True, keep=kept.extend)
    columns: dict[str, Any] = {"solution": ["red"] * 2, "answer_type": ["text"] * 2, "options": [None] * 2}
    said = [[{"role": "assistant", "content": "\\boxed{red}"}]] * 2
    rewards = reward(said, [[1, STOP]] * 2, skill=["colour"] * 2, sample_id=["s1"] * 2, **columns)
    assert rewards == [1.0, 1.0]
    assert ("rewards/accuracy", "", 0.5) in reward.metrics
    assert {("reward", "colour", 1.0), ("reward", "count", 0.0)} <= set(reward.metrics)
    assert [[row.sample_id for row in group] for group in kept] == [["s1", "s1"], ["s7", "s7"]]
    assert kept[0][0].parts == {"accuracy": 0.9, "format": 0.1}
    assert kept[0][0].verdict.extracted == "red"


def test_curves_by_skill_and_slot_group_show_means_and_groups_that_teach_nothing() -> None:
    right, wrong, unknown = Verdict(True, True), Verdict(False, False), Verdict(None, False)
    groups = [
        [scored(right, 1.0, purpose="target"), scored(wrong, 0.0, purpose="target", num_tokens=8, is_whole=False)],
        [scored(right, 1.0, purpose="target"), scored(right, 1.0, purpose="target")],
        [scored(unknown, None, "b", "replay"), scored(wrong, 0.1, "b", "replay")],
        [scored(unknown, None, "b", "replay"), scored(unknown, None, "b", "replay")],
    ]
    found = {(name, skill): value for name, skill, value in generation_metrics(groups)}
    assert (found["reward", "a"], found["reward", "b"]) == (0.75, 0.1)
    assert (found["frac_reward_zero_std", "a"], found["frac_reward_zero_std", "b"]) == (0.5, 1.0)
    assert (found["completions/mean_length", "a"], found["completions/clipped_ratio", "a"]) == (5.0, 0.25)
    assert (found["rewards/accuracy", "a"], found["rewards/accuracy", "b"]) == (0.75, 0.0)
    assert (found["target/reward", ""], found["replay/reward", ""]) == (0.75, 0.1)
    assert found["target/frac_reward_zero_std", ""] == 0.5
    assert found["rewards/unscored", ""] == 0.375


def test_judging_needs_no_torch() -> None:
    verdict = Verdict(True, True, extracted="7", detail="equal")
    assert judge([Question("\\boxed{7}", "7", "number", "", "stop")]) == [verdict]


def test_a_formula_that_takes_for_ever_is_worth_its_format_and_counted(grader: Grader) -> None:
    texts = ["\\boxed{\\sum_{i=1}^{100000000} i^i}", "\\boxed{x+x}"]
    rewards, reward = reward_of(grader, texts, solution=["2x"] * 2, answer_type=["math"] * 2)
    assert rewards == pytest.approx([0.1, 1.0])
    assert ("rewards/timed_out", "", 0.5) in reward.metrics
