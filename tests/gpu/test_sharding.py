"""Weights divided between the ranks: the same training, the same file, and nobody waits for ever."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from accelerate import Accelerator
from safetensors.torch import load_file
from torch.distributed.tensor import DTensor

import gpu.grpo
from core.specs import FINAL_FOLDER, METRICS_FILE, RESULT_FILE, STOP_FILE, TrainResult
from gpu.checkpoints import COMPLETE_FILE, checkpoints
from gpu.errors import GpuFault
from gpu.grader import Grader
from gpu.runtime import Run
from gpu.sharding import end_ranks, gathered
from gpu.train import build_trainer, work
from tests.gpu.runs import ROOT, wait_until
from tests.gpu.test_ranks import LAUNCHER, run_ranks
from tests.gpu.test_train import MEASURED
from tests.gpu.training import read_curves, train_run

# One prompt a rank and step, of six of which one has no picture: some steps give one rank pictures and the other none.
CHOICES: dict[str, Any] = {"gpus": 2, "steps": 6, "save_every": 2, "micro_batch_size": 2}
DIVIDED = CHOICES | {"sharding": "full"}


@pytest.fixture(scope="module")
def divided(speaking_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in two processes that nobody disturbs."""
    folder = tmp_path_factory.mktemp("divided") / "run"
    train_run(speaking_checkpoint, folder, **DIVIDED)
    done = run_ranks(folder, limit_s=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture
def one_rank() -> Iterator[None]:
    """Sharding over a single process makes a group of its own; other tests want none."""
    yield
    end_ranks()


def numbers(folder: Path) -> dict[tuple[int, str, str], float]:
    return {key: value for key, value in read_curves(folder).items() if not key[1].startswith(MEASURED)}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / FINAL_FOLDER / "model.safetensors")


def assert_same_weights(one: Path, other: Path) -> None:
    """Equal but for what float32 sums in another order differ by: at most one rounding to bf16, the file's dtype."""
    first, second = weights(one), weights(other)
    assert set(first) == set(second)
    assert all(torch.allclose(first[name], second[name], rtol=2**-7, atol=1e-5) for name in first)


def test_divided_weights_are_trained_to_those_of_copied_ones(
    divided: Path, speaking_checkpoint: Path, tmp_path: Path
) -> None:
    train_run(speaking_checkpoint, tmp_path / "copied", **CHOICES)
    assert run_ranks(tmp_path / "copied").returncode == 0
    assert_same_weights(divided, tmp_path / "copied")
    assert numbers(divided) == pytest.approx(numbers(tmp_path / "copied"), rel=1e-4, abs=1e-5)
    before = load_file(speaking_checkpoint / "model.safetensors")
    assert any(not torch.allclose(before[name], after, rtol=2**-6) for name, after in weights(divided).items())
    assert TrainResult.model_validate_json((divided / RESULT_FILE).read_bytes()).steps == 6
    assert not checkpoints(divided)


def test_ranks_that_are_killed_go_on_to_the_very_same_weights(
    divided: Path, speaking_checkpoint: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    train_run(speaking_checkpoint, folder, **DIVIDED)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [*LAUNCHER, "tests.gpu.halting_train", str(folder)]
    ranks = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)
    metrics = folder / METRICS_FILE
    wait_until(lambda: ranks.poll() is not None or (metrics.exists() and '"step":5' in metrics.read_text()))
    ranks.send_signal(signal.SIGKILL)  # its ranks end with it
    ranks.wait()
    assert (folder / "checkpoint-4" / COMPLETE_FILE).exists() and not (folder / RESULT_FILE).exists()
    done = run_ranks(folder)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = weights(divided), weights(folder)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert numbers(folder) == numbers(divided)


def test_a_rank_whose_answers_end_early_waits_for_the_other_and_nobody_hangs(
    speaking_checkpoint: Path, tmp_path: Path
) -> None:
    choices = DIVIDED | {"steps": 2, "max_completion_tokens": 24}
    train_run(speaking_checkpoint, tmp_path / "run", **choices)
    done = run_ranks(tmp_path / "run", "tests.gpu.uneven_train", limit_s=90)
    assert done.returncode == 0, done.stderr[-3000:]
    curves = read_curves(tmp_path / "run")
    assert curves[1, "completions/mean_length", ""] == (1 + 24) / 2


def test_one_rank_with_layers_that_are_computed_again_trains_as_without_sharding(
    speaking_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_rank: None
) -> None:
    monkeypatch.setattr(gpu.grpo, "CHECKPOINTED_PARAMETERS", 0)
    for sharding in ("none", "full"):
        folder = tmp_path / sharding
        work(Run(folder), train_run(speaking_checkpoint, folder, steps=4, sharding=sharding))
    assert not dist.is_initialized(), "a run closes its group"
    assert_same_weights(tmp_path / "none", tmp_path / "full")


def test_a_divided_run_that_is_stopped_goes_on_from_its_shards(
    speaking_checkpoint: Path, tmp_path: Path, one_rank: None
) -> None:
    calm, stopped = tmp_path / "calm", tmp_path / "stopped"
    choices = {"steps": 4, "save_every": 100, "sharding": "full", "lr_scheduler_type": "linear"}
    work(Run(calm), train_run(speaking_checkpoint, calm, **choices))
    spec = train_run(speaking_checkpoint, stopped, **choices)
    (stopped / STOP_FILE).write_text('{"attempt": 1, "by": "ada"}')
    with pytest.raises(GpuFault, match="stopped: Stopped after step 2 of 4"):
        work(Run(stopped), spec)
    (stopped / STOP_FILE).unlink()
    work(Run(stopped), spec)
    first, second = weights(calm), weights(stopped)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_that_writes_no_checkpoints_begins_anew_when_it_was_stopped(
    speaking_checkpoint: Path, tmp_path: Path, one_rank: None
) -> None:
    folder = tmp_path / "run"
    spec = train_run(speaking_checkpoint, folder, steps=4, save_every=0, sharding="full")
    (folder / STOP_FILE).write_text('{"attempt": 1, "by": "ada"}')
    with pytest.raises(GpuFault, match="A retry begins anew"):
        work(Run(folder), spec)
    assert not checkpoints(folder)
    (folder / STOP_FILE).unlink()
    work(Run(folder), spec)
    assert {step for step, _, _ in read_curves(folder)} == {1, 2, 3, 4} and not checkpoints(folder)


def test_in_bf16_weights_are_held_in_float32_and_gathered_in_bf16(
    speaking_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_rank: None
) -> None:
    folder, grader = tmp_path / "run", Grader()
    spec = train_run(speaking_checkpoint, folder, steps=2, steps_per_generation=1, sharding="full")
    trainer: Any = build_trainer(Run(folder), spec.model_copy(update={"dtype": "bfloat16"}), grader)
    with monkeypatch.context() as several:  # GPUs: there the model would be copied by DDP
        several.setattr(Accelerator, "multi_device", True)
        assert trainer.accelerator.prepare(trainer.model) is trainer.model
    trainer.train()
    grader.close()
    for model in (trainer.model, trainer.ref_model):
        assert all(isinstance(weight, DTensor) and weight.dtype == torch.float32 for weight in model.parameters())
        with gathered(model):
            assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}
