"""``python -m bench.step_clock ours|bare RUN_DIR``: train there and leave the time of every step's end.

``ours`` is ``gpu.train`` as a worker starts it. ``bare`` is what a script of TRL's documentation does: the stock
trainer with the same arguments, rows, reward function and model; no heartbeat, no curves, no resume.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback
from trl.trainer.grpo_trainer import GRPOTrainer

import gpu.train
from core.domain.rewards import Marks, reward_parts
from core.specs import DATASET_FILE, SPEC_FILE, TrainSpec
from gpu.dataset import TrainingRows, schedule, training_dataset
from gpu.grader import Question, judge
from gpu.grpo import grpo_config, num_scheduled_rows
from gpu.loading import answer_tokens, load_model, load_processor, prepare_torch
from gpu.rewards import recipe_of
from gpu.runtime import run_child

CLOCK_FILE = "clock.json"


class StepClock(TrainerCallback):
    """Notes when each step ended, with all that the GPU had to do in it."""

    def __init__(self, folder: Path) -> None:
        self._path, self._times = folder / CLOCK_FILE, list[float]()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """One more step is done."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self._times.append(time.perf_counter())
        self._path.write_text(json.dumps(self._times))


def train_ours(folder: Path) -> int:
    """Our runner, with the clock added."""
    stock = gpu.train.build_trainer

    def build(*arguments: Any) -> Any:
        trainer = stock(*arguments)
        trainer.add_callback(StepClock(folder))
        trainer.args.save_strategy = "no"
        return trainer

    vars(gpu.train)["build_trainer"] = build
    return run_child(TrainSpec, gpu.train.work)


def train_bare(folder: Path) -> int:
    """The stock trainer."""
    spec = TrainSpec.model_validate_json((folder / SPEC_FILE).read_bytes())
    settings = spec.settings
    prepare_torch(spec)
    rows = TrainingRows(folder / DATASET_FILE)
    processor: Any = load_processor(spec.places.checkpoint)
    model = load_model(spec.places.checkpoint, spec.device, "float32")
    tokens = answer_tokens(model, processor.tokenizer)

    def reward(completions: Any, solution: Any, answer_type: Any, **columns: Any) -> list[float | None]:
        texts = [completion[0]["content"] for completion in completions]
        asked = [Question(*facts, "", "stop") for facts in zip(texts, solution, answer_type, strict=True)]
        marks = [Marks(v.is_correct, v.has_format, True, 0, (0, "", 0)) for v in judge(asked)]
        parts = [reward_parts(one, recipe_of(settings, spec.seed)) for one in marks]
        return [sum(one.values()) if one else None for one in parts]

    trainer = GRPOTrainer(
        model=model,
        reward_funcs=reward,
        args=grpo_config(spec, folder, tokens.blocked, model.num_parameters()),
        train_dataset=training_dataset(rows, schedule(len(rows), num_scheduled_rows(settings), spec.seed)),
        processing_class=processor,
        callbacks=[StepClock(folder)],
    )
    trainer.args.save_strategy = "no"
    trainer.train()
    return 0


if __name__ == "__main__":
    arm, run_folder = sys.argv[1], Path(sys.argv[2])
    sys.argv[1:] = [sys.argv[2]]
    sys.exit(train_ours(run_folder) if arm == "ours" else train_bare(run_folder))
