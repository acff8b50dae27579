"""A run that was killed with -9 goes on as the run that wrote its checkpoint would have, on CPU and on a GPU."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bench import gpu_resume
from bench.resume_child import Witness
from tests.gpu.runs import needs_cuda

# Relative weight gaps after one update: nothing on CPU, rounding on a GPU, where sums come in any order.
LIMITS = [
    ("cpu", "float32", 0.0),
    pytest.param("cuda", "float32", 1e-5, marks=needs_cuda),
    pytest.param("cuda", "bfloat16", 1e-3, marks=needs_cuda),
]


@pytest.mark.parametrize(("device", "dtype", "limit"), LIMITS)
def test_a_killed_run_holds_what_the_other_held_and_makes_the_same_update(
    speaking_checkpoint: Path, tmp_path: Path, device: Any, dtype: Any, limit: float
) -> None:
    found = gpu_resume.compare(tmp_path / "run", device, dtype, speaking_checkpoint)
    assert found["resumed_at"] == gpu_resume.STEP
    assert all(found[f"{name}_equal"] for name in ("optimizer", "scheduler", "rng", "weights")), found
    assert found["same_prompts"]
    assert found["relative_weight_gap"] <= limit
    assert found["relative_update"] > 1e-3
    assert found["least_relative_update"] > 0


def test_one_bit_is_enough_to_be_another_state() -> None:
    state = {"moments": [torch.tensor([0.5, float("nan")])], "rng": (1, b"a"), "rate": 1e-4}
    assert gpu_resume.same(state, {**state, "moments": [torch.tensor([0.5, float("nan")])]})
    for other in ({"rate": 2e-4}, {"rng": (1, b"b")}, {"rng": (1,)}, {"more": 0}):
        assert not gpu_resume.same(state, state | other)
    for moments in (torch.tensor([-0.5, float("nan")]), torch.tensor([0.5]), torch.tensor([0.5, 0.0])):
        assert not gpu_resume.same(state, state | {"moments": [moments]})
    assert not gpu_resume.same(torch.zeros(2), -torch.zeros(2))
    assert not gpu_resume.same(torch.zeros(2), torch.zeros(2, dtype=torch.int32))


def test_a_gap_is_that_of_the_tensor_that_is_furthest_off() -> None:
    one = {"large": torch.full((4,), 100.0), "small": torch.tensor([1.0])}
    other = {"large": torch.full((4,), 101.0), "small": torch.tensor([1.25])}
    assert gpu_resume.gaps(one, other).max() == 0.25
    assert gpu_resume.gaps(one, one).max() == 0
    broken = {**one, "large": torch.full((4,), float("nan"))}
    assert not gpu_resume.gaps(one, broken).max() <= 1e-3


def test_a_child_that_was_not_killed_compares_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_resume, "run_module", lambda *arguments: 0)
    with pytest.raises(RuntimeError, match="ended with 0"):
        gpu_resume.told_by(tmp_path, "calm.pt")


def test_what_another_run_drew_is_learned_from_at_its_step_alone(tmp_path: Path) -> None:
    state, nothing = SimpleNamespace(global_step=0), SimpleNamespace(state_dict=dict)
    trainer = SimpleNamespace(
        state=state,
        optimizer=nothing,
        lr_scheduler=nothing,
        model=nothing,
        accelerator=SimpleNamespace(unwrap_model=lambda model: model),
        _generate_single_turn=lambda prompt_ids: ([[9]], None),
    )
    Witness(trainer, step=1, told=tmp_path / "told.pt", given=[[1, 2]])
    assert trainer._generate_single_turn([[5]]) == ([[9]], None)
    state.global_step = 1
    assert trainer._generate_single_turn([[5]]) == ([[1, 2]], None)
