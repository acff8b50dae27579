"""``python -m bench.resume_child RUN_DIR STEP TOLD [DRAWN]``: one update after a checkpoint, and all that went into it.

``gpu.train`` that makes one update more than STEP, writes to TOLD what it held when that update's generation began and
its weights afterwards, and kills itself with -9. With DRAWN, the TOLD of another child, it learns from the completions
in there, whatever it draws itself.
"""

import copy
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import TrainerCallback

import gpu.train
from bench.kill_child import die
from core.specs import TrainSpec
from gpu.runtime import run_child


def random_states() -> dict[str, Any]:
    """Of every generator that a checkpoint holds."""
    states = {"python": random.getstate(), "numpy": np.random.get_state(), "torch": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {})


class Witness(TrainerCallback):
    """Tells of the generation that begins after ``step`` and of the update that is made from it."""

    def __init__(self, trainer: Any, step: int, told: Path, given: list[list[int]] | None) -> None:
        self._trainer, self._step, self._told, self._given = trainer, step, told, given
        self._begun = 0
        self._found: dict[str, Any] = {}
        self._stock = trainer._generate_single_turn
        trainer._generate_single_turn = self.generate

    def generate(self, prompt_ids: list[list[int]], *arguments: Any) -> Any:
        """As the trainer draws; completions that were given take the place of what is drawn."""
        if self._trainer.state.global_step != self._step:
            return self._stock(prompt_ids, *arguments)
        self._found = copy.deepcopy({
            "optimizer": self._trainer.optimizer.state_dict(),
            "scheduler": self._trainer.lr_scheduler.state_dict(),
            "rng": random_states(),
            "weights": self._weights(),
            "prompts": prompt_ids,
            "begun": self._begun,
        })  # fmt: skip
        self._found["completions"], *rest = self._stock(prompt_ids, *arguments)
        return self._given or self._found["completions"], *rest

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The step of the checkpoint that it goes on from, 0 at the start."""
        self._begun = state.global_step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Everything is known one update later."""
        if state.global_step > self._step:
            torch.save(self._found | {"updated": self._weights()}, self._told)
            die()

    def _weights(self) -> dict[str, Tensor]:
        weights: dict[str, Tensor] = self._trainer.accelerator.unwrap_model(self._trainer.model).state_dict()
        return weights


def watch(step: int, told: Path, given: list[list[int]] | None) -> None:
    """Give every trainer that is built its witness."""
    stock = gpu.train.build_trainer

    def build(*arguments: Any) -> Any:
        trainer = stock(*arguments)
        trainer.add_callback(Witness(trainer, step, told, given))
        return trainer

    vars(gpu.train)["build_trainer"] = build


if __name__ == "__main__":
    drawn = torch.load(sys.argv[4], map_location="cpu", weights_only=False) if len(sys.argv) > 4 else {}
    watch(int(sys.argv[2]), Path(sys.argv[3]), drawn.get("completions"))
    sys.exit(run_child(TrainSpec, gpu.train.work))
