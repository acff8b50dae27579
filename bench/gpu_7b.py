"""Three GRPO steps with LoRA at the exact shapes of Qwen2.5-VL-7B and Qwen3-VL-8B, random weights, a hash as reward.

On a GPU machine: ``python -m bench.gpu_7b --out docs/results/grpo_7b.json``; here: ``python -m bench.gpu_7b --tiny``.
For each shape: peak GPU memory, seconds a step, tokens a second (prompt and answer tokens over the whole step), and
the share of generation. The first step warms up and is not counted.
"""

import argparse
import gc
import hashlib
import json
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from bench.runs import Rows, make_run
from bench.shapes import write_shape
from core.domain.files import write_atomic
from core.presets import PRESETS
from core.specs import Device, GrpoSettings, Phase
from gpu.grader import Question, Verdict
from gpu.loading import prepare_torch
from gpu.runtime import Run, installed_versions
from gpu.train import build_trainer

NAMES = {"qwen2.5-vl-7b": "qwen2.5-vl-7b-lora", "qwen3-vl-8b": "qwen3-vl-8b-lora"}
SIZES = {"steps": 3, "prompts_per_step": 4, "max_completion_tokens": 256, "mask_truncated_completions": False}
TINY = {"max_completion_tokens": 6, "prompts_per_step": 2}


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


def settings_of(name: str, *, is_tiny: bool, vllm: float = 0.0) -> GrpoSettings:
    """The model's preset, with few and short steps; ``vllm`` is the share of the GPU that generates."""
    chosen = PRESETS[NAMES[name]].settings.model_dump() | SIZES | (TINY if is_tiny else {})
    chosen["vllm_memory_share"] = vllm
    return GrpoSettings.model_validate(chosen)


def measure(name: str, root: Path, device: Device, *, is_tiny: bool, vllm: float = 0.0) -> dict[str, Any]:
    """One shape's figures."""
    settings = settings_of(name, is_tiny=is_tiny, vllm=vllm)
    checkpoint = write_shape(root / "model", name, device, is_tiny=is_tiny)
    spec = make_run(
        root / "run", settings, checkpoint=checkpoint, rows=Rows(pixels=112 if is_tiny else 672), device=device
    )
    run, phases = Run(root / "run"), Phases(device)
    vars(run)["progress"] = phases
    prepare_torch(spec)
    grader: Any = HashGrader()
    trainer = build_trainer(run, spec, grader)
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    trainer.train()
    phases.show("save", settings.steps, settings.steps, "steps")
    return figures(phases, trainer, device)


def figures(phases: Phases, trainer: Any, device: Device) -> dict[str, Any]:
    """What the steps after the first one took."""
    steps = range(1, trainer.state.max_steps)
    counted = {key: value for key, value in phases.seconds.items() if key[1] in steps and key[0] != "save"}
    total = sum(counted.values())
    tokens = trainer.state.num_input_tokens_seen * len(steps) / trainer.state.max_steps
    return {
        "parameters": trainer.model.num_parameters(),
        "trained_parameters": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
        "peak_gb": round(torch.cuda.max_memory_allocated() / 1e9, 1) if device == "cuda" else None,
        "seconds_a_step": round(total / len(steps), 3),
        "tokens_a_second": round(tokens / total, 1),
        "generation_share": round(sum(v for (phase, _), v in counted.items() if phase == "generate") / total, 3),
        "phases": {phase: round(sum(v for (p, _), v in counted.items() if p == phase), 3) for phase, _ in counted},
    }


def main() -> None:
    """Both shapes, or the one that is named; the figures go to ``--out`` and to the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--only", choices=sorted(NAMES))
    parser.add_argument("--vllm", type=float, default=0.0, help="share of the GPU for vLLM in the trainer's process")
    parser.add_argument("--out", type=Path)
    choices = parser.parse_args()
    device: Device = "cuda" if torch.cuda.is_available() else "cpu"
    found: dict[str, Any] = {}
    for name in [choices.only] if choices.only else NAMES:
        with tempfile.TemporaryDirectory() as root:
            found[name] = measure(name, Path(root), device, is_tiny=choices.tiny, vllm=choices.vllm)
        print(f"{name}: {json.dumps(found[name])}", file=sys.stderr, flush=True)
        gc.collect()
        if device == "cuda":
            torch.cuda.empty_cache()
    gpu = torch.cuda.get_device_name() if device == "cuda" else platform.processor()
    command = f"python -m bench.gpu_7b {' '.join(sys.argv[1:])}".strip()
    report = json.dumps({**found, "device": gpu, "versions": installed_versions(), "command": command})
    if choices.out:
        write_atomic(choices.out, report + "\n")
    print(report)


if __name__ == "__main__":
    main()
