"""``python -m bench.kill_child RUN_DIR PHASE STEP CALL``: ``gpu.train`` that kills itself with -9 at one place.

The place is the CALL-th sign of life of PHASE at STEP; the phase ``torn`` is the optimizer's file half-written. Every
generation's prompts and completions go to ``rollouts.jsonl``. Without a place it runs to its end.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

import gpu.train
from core.specs import TrainSpec
from gpu.runtime import ProgressFile, append_lines, run_child
from gpu.trainer import SharedPromptTrainer

ROLLOUTS_FILE = "rollouts.jsonl"


def die() -> None:
    """As a kernel or an operator ends a process: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(phase: str, step: int, call: int) -> None:
    """Arm the place."""
    stock_show, stock_save, left = ProgressFile.show, torch.save, [call]

    def show(self: ProgressFile, now: Any, done: int, total: int, unit: str) -> None:
        stock_show(self, now, done, total, unit)
        if (now, done) == (phase, step):
            left[0] -= 1
            if left[0] == 0:
                die()

    def save(what: Any, path: Any, *arguments: Any, **keywords: Any) -> None:
        if phase == "torn" and f"checkpoint-{step}" in str(path):
            Path(path).write_bytes(b"torn")
            die()
        stock_save(what, path, *arguments, **keywords)

    vars(gpu.runtime)["ProgressFile"].show = show
    vars(torch)["save"] = save


def keep_rollouts(folder: Path) -> None:
    """Write down what is asked and answered."""
    stock: Any = SharedPromptTrainer._generate_single_turn

    def generate(self: Any, prompt_ids: Any, *arguments: Any) -> Any:
        answers = stock(self, prompt_ids, *arguments)
        row = {"step": self.state.global_step, "prompts": prompt_ids, "completions": answers[0]}
        append_lines(folder / ROLLOUTS_FILE, [json.dumps(row)])
        return answers

    vars(gpu.trainer)["SharedPromptTrainer"]._generate_single_turn = generate


if __name__ == "__main__":
    keep_rollouts(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        die_at(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    sys.exit(run_child(TrainSpec, gpu.train.work))
