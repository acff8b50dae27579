"""One run in two processes: the same spec, one set of curves, one result."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from core.specs import FINAL_FOLDER, METRICS_FILE, RESULT_FILE, TrainResult
from tests.gpu.runs import ROOT
from tests.gpu.training import make_rows, read_curves, train_run

LAUNCHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
CHOICES: dict[str, Any] = {"gpus": 2, "steps": 4, "save_every": 2}


def run_ranks(folder: Path, module: str = "gpu.train", limit_s: float = 240) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    command = [*LAUNCHER, module, str(folder)]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit_s, stdin=subprocess.DEVNULL
    )


@pytest.fixture(scope="module")
def folder(speaking_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranks") / "run"
    train_run(speaking_checkpoint, folder, lora_rank=4, **CHOICES)
    done = run_ranks(folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_two_processes_leave_one_result(folder: Path, speaking_checkpoint: Path) -> None:
    result = TrainResult.model_validate_json((folder / RESULT_FILE).read_bytes())
    assert result.steps == 4
    before, after = (load_file(p / "model.safetensors") for p in (speaking_checkpoint, folder / FINAL_FOLDER))
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert not list(folder.glob("checkpoint-*"))


def test_every_point_of_a_curve_comes_once_and_counts_both_processes(folder: Path) -> None:
    rows = [json.loads(line) for line in (folder / METRICS_FILE).read_text().splitlines()]
    assert max(Counter((row["step"], row["name"], row["skill"]) for row in rows).values()) == 1
    curves = read_curves(folder)
    assert {step for step, _, _ in curves} == {1, 2, 3, 4}
    by_skill = {skill for _, name, skill in curves if name == "reward" and skill}
    assert by_skill == {"warm", "cold"}


def test_what_one_rank_finds_wrong_ends_both_by_name(speaking_checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    rows = make_rows()
    train_run(speaking_checkpoint, folder, [{**rows[0], "answer_type": "poem"}, *rows[1:]], **CHOICES)
    done = run_ranks(folder)
    assert done.returncode != 0
    assert json.loads((folder / "error.json").read_text())["code"] == "reward_failed"
    assert not (folder / RESULT_FILE).exists()
