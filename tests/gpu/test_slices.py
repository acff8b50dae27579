"""A step's numbers by skill and slot group add up to those of the whole step."""

from typing import Any

import pytest
import torch

from gpu.policy_slices import PolicySums, means
from gpu.step_clock import StepClock
from tests.gpu.test_trainer import trainer as trainer  # its fixture


def test_by_skill_add_up_to_the_trainer_s_own_numbers(trainer: Any) -> None:
    torch.manual_seed(0)
    inputs = trainer._prepare_inputs(next(iter(trainer.get_train_dataloader())))
    inputs["old_per_token_logps"] = trainer._newest[0] + 0.4 * torch.randn_like(trainer._newest[0])
    trainer._metrics["train"].clear()
    trainer.policy.take()
    trainer._compute_loss(trainer.model, inputs)
    whole = {name: values[0] for name, values in trainer._metrics["train"].items()}
    tokens = torch.zeros(2).index_add_(0, inputs["about"], inputs["completion_mask"].sum(1).float())
    found = {(name, skill): value for name, skill, value in trainer.policy.take()}
    assert whole["clip_ratio/region_mean"] > 0.05
    for name in ("kl", "entropy", "clip_ratio/region_mean"):
        values = torch.tensor([found[name, skill] for skill, _ in trainer.policy._about])
        assert float((values * tokens).sum() / tokens.sum()) == pytest.approx(whole[name], abs=1e-5), name


def test_slot_groups_pool_their_skills_by_tokens_over_all_ranks() -> None:
    sums = [
        (("a", "target"), [10.0, 1.0, 20.0, 5.0]),
        (("b", "target"), [30.0, 9.0, 20.0, 1.0]),
        (("a", "target"), [10.0, 1.0, 20.0, 5.0]),
        (("c", ""), [0.0, 0.0, 0.0, 0.0]),
    ]
    found = {(name, skill): value for name, skill, value in means(sums, has_kl=True)}
    assert (found["kl", "a"], found["entropy", "a"], found["clip_ratio/region_mean", "a"]) == (0.1, 2.0, 0.5)
    assert (found["target/kl", ""], found["target/entropy", ""]) == (11 / 50, 60 / 50)
    assert {skill for _, skill in found} == {"a", "b", ""}
    assert not any(name == "kl" for name, *_ in means(sums, has_kl=False))


def test_a_row_stands_for_its_skill_and_slot_group() -> None:
    rows = [{"skill": "a", "purpose": "target"}, {"skill": "b"}, {"skill": "a", "purpose": "target"}]
    assert PolicySums((0.2, 0.3)).numbers(rows, torch.device("cpu")).tolist() == [0, 1, 0]


def test_phases_last_until_the_next_begins_and_loading_is_no_part_of_a_step() -> None:
    now = iter([0.0, 5.0, 6.0, 8.0, 9.0, 10.0, 11.0, 12.5])
    clock = StepClock(lambda: next(now))
    for phase in ("generate", "generate", "score", "update"):
        clock.show(phase)
    found = {name: value for name, _, value in clock.take(num_tokens=60)}
    assert found == {"time/generate": 3.0, "time/score": 1.0, "time/update": 1.0, "speed/tokens_per_s": 20.0}
    clock.show("save")
    assert clock.take(num_tokens=0) == [("time/save", "", 1.5), ("time/update", "", 1.0)]
