"""RUN_DIRs and children for the tests of the GPU side."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.domain.files import hash_checkpoint, write_atomic
from core.specs import SPEC_FILE, AnswerSpec, Places, Spec

ROOT = Path(__file__).parent.parent.parent
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")


def write_spec(folder: Path, spec: Spec) -> Path:
    write_atomic(folder / SPEC_FILE, spec.model_dump_json())
    return folder


def idle_run(tmp_path: Path) -> Path:
    """A RUN_DIR for ``tests.gpu.idler``, with a checkpoint folder that holds nothing of use."""
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir(exist_ok=True)
    (checkpoint / "config.json").write_text("{}")
    spec = AnswerSpec(
        checkpoint_hash=hash_checkpoint(checkpoint),
        seed=1,
        items_hash="",
        prompt_version="",
        places=Places(checkpoint=checkpoint),
    )
    return write_spec(tmp_path / "run", spec)


def start_child(module: str, folder: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", module, str(folder)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def run_child(module: str, folder: Path) -> tuple[int, str]:
    """The child's exit code and what it printed."""
    child = start_child(module, folder)
    output, _ = child.communicate(timeout=120)
    return child.returncode, output


def wait_until(happens: Callable[[], object], limit_s: float = 120.0) -> None:
    deadline = time.monotonic() + limit_s
    while not happens():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
