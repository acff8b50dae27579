"""``python -m bench.gpu_rank RUN_DIR``: one rank of a measured run; the first writes ``figures.json``.

``bench.gpu_7b`` makes RUN_DIR and starts this, through torchrun where the run has several GPUs.
"""

import hashlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object

from core.domain.files import write_atomic
from core.specs import SPEC_FILE, Device, Phase, TrainSpec
from gpu.checkpoints import write_final
from gpu.grader import Question, Verdict
from gpu.loading import prepare_torch
from gpu.runtime import Run, end_with_parent, is_first
from gpu.sharding import end_ranks
from gpu.train import build_trainer

FIGURES_FILE = "figures.json"


class HashGrader:
    """Calls an answer right or wrong by its hash, so that every group has an advantage."""

    def ask(self, questions: Sequence[Question], beat: Callable[[], None]) -> list[Verdict]:
        """Two bits of each answer's hash."""
        beat()
        bits = [hashlib.sha256(question.text.encode()).digest()[0] for question in questions]
        return [Verdict(is_correct=bool(bit & 1), has_format=bool(bit & 2)) for bit in bits]

    def close(self) -> None:
        """Nothing to end."""


class Phases:
    """How long each phase of each step took, from the signs of life that the trainer gives anyway."""

    def __init__(self, device: Device) -> None:
        self._device: Device = device
        self._now: tuple[str, int] = ("load", 0)
        self._since = time.perf_counter()
        self.seconds: dict[tuple[str, int], float] = defaultdict(float)

    def show(self, phase: Phase, done: int, total: int, unit: str) -> None:
        """Close the phase before; the GPU has then done all that it was told."""
        if (phase, done) == self._now:
            return
        if self._device == "cuda":
            torch.cuda.synchronize()
        now = time.perf_counter()
        self.seconds[self._now] += now - self._since
        self._now, self._since = (phase, done), now


def measure(run: Run, spec: TrainSpec) -> dict[str, Any]:
    """The run's figures; with divided weights also how long the whole model takes to be gathered and written."""
    phases = Phases(spec.device)
    vars(run)["progress"] = phases
    prepare_torch(spec)
    grader: Any = HashGrader()
    trainer = build_trainer(run, spec, grader)
    start_gb = take_peak_gb(spec.device)
    trainer.train()
    phases.show("save", spec.settings.steps, spec.settings.steps, "steps")
    found = figures(phases, trainer) | {
        "peak_gb": max(gather_object([take_peak_gb(spec.device)])),
        "start_peak_gb": max(gather_object([start_gb])),
    }
    if spec.settings.sharding == "full":
        found["final_seconds"] = write_whole(trainer, spec, run.folder)
    return found


def take_peak_gb(device: Device) -> float:
    """The most memory of this rank's GPU since the last call; 0 without one."""
    if device == "cpu":
        return 0.0
    peak = torch.cuda.max_memory_allocated() / 1e9
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    return round(peak, 1)


def figures(phases: Phases, trainer: Any) -> dict[str, Any]:
    """What the steps after the first one took."""
    steps = range(1, trainer.state.max_steps)
    counted = {key: value for key, value in phases.seconds.items() if key[1] in steps and key[0] != "save"}
    total = sum(counted.values())
    tokens = trainer.state.num_input_tokens_seen * len(steps) / trainer.state.max_steps
    return {
        "parameters": trainer.model.num_parameters(),
        "trained_parameters": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
        "seconds_a_step": round(total / len(steps), 3),
        "tokens_a_second": round(tokens / total, 1),
        "generation_share": round(sum(v for (phase, _), v in counted.items() if phase == "generate") / total, 3),
        "phases": {phase: round(sum(v for (p, _), v in counted.items() if p == phase), 3) for phase, _ in counted},
    }


def write_whole(trainer: Any, spec: TrainSpec, folder: Path) -> float:
    """Seconds until ``final/`` stands."""
    started = time.perf_counter()
    model = trainer.whole_model(spec.places.checkpoint)
    if is_first():
        write_final(model, spec.places.checkpoint, folder)
    return round(time.perf_counter() - started, 1)


def main() -> None:
    """Measure, and write what was found."""
    end_with_parent()
    run = Run(Path(sys.argv[1]))
    found = measure(run, TrainSpec.model_validate_json((run.folder / SPEC_FILE).read_bytes()))
    if is_first():
        write_atomic(run.folder / FIGURES_FILE, json.dumps(found))
    end_ranks()


if __name__ == "__main__":
    main()
