"""One update after a checkpoint, by the run that wrote it and by the run that resumes from it after a kill with -9.

On a GPU machine: ``python -m bench.gpu_resume --device cuda --out docs/results/gpu_resume.json``.
``resumed_at`` is the checkpoint's step. When the next generation begins, both tell what they hold in memory:
``optimizer_equal``, ``scheduler_equal``, ``rng_equal`` and ``weights_equal`` say whether that is the same bit by bit,
``same_prompts`` whether both ask the same. Then both learn from the completions that the first drew
(``same_completions``: the second would have drawn them too). ``relative_weight_gap`` after that update is the largest
over all tensors, each difference's norm as a share of the tensor's; ``relative_update`` is the update by the same
measure, ``least_relative_update`` that of the tensor that moved least, and ``relative_update_gap`` the difference of
all weights as a share of the update.
"""

import argparse
import signal
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.gpu_report import report_end
from bench.runs import MINI, make_run, run_module
from core.specs import Device, GrpoSettings, Precision

Weights = Mapping[str, Tensor]
STEP = 4
STATES = ("optimizer", "scheduler", "rng", "weights")
# Six rows, two a step: step 5 is in the second pass over the data. A reward by coin gives every update a gradient.
CHOICES: dict[str, Any] = {
    "learning_rate": 1e-4, "lr_scheduler_type": "linear", "beta": 0.04, "reward": "random", "num_generations": 4,
    "prompts_per_step": 2, "steps": 8, "micro_batch_size": 4, "max_completion_tokens": 8, "save_every": STEP,
    "mask_truncated_completions": False,
}  # fmt: skip


def same(one: Any, other: Any) -> bool:
    """Whether two nested states are equal, arrays and tensors bit by bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (Tensor, np.ndarray)):
        first, second = np.asarray(one), np.asarray(other)
        alike = (first.dtype, first.shape) == (second.dtype, second.shape)
        return alike and first.tobytes() == second.tobytes()
    return bool(one == other)


def gaps(one: Weights, other: Weights) -> Tensor:
    """Of every tensor, the norm of the difference as a share of its own."""
    return torch.stack([(one[name] - other[name]).norm() / one[name].norm() for name in one])


def distance(one: Weights, other: Weights) -> float:
    """The norm of the difference of all weights."""
    return float(torch.stack([(one[name] - other[name]).norm() for name in one]).norm())


def told_by(folder: Path, name: str, *drawn: str) -> dict[str, Any]:
    """What a child tells that went on from the newest checkpoint, or from the start, and was killed."""
    path = folder / name
    ended = run_module("bench.resume_child", str(folder), str(STEP), str(path), *drawn)
    if ended != -signal.SIGKILL:
        raise RuntimeError(f"The child that writes {path} was to be killed, and ended with {ended}")
    found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    return found


def compare(folder: Path, device: Device, dtype: Precision, checkpoint: Path = MINI) -> dict[str, Any]:
    """Train, kill, resume, and how far the two are apart."""
    make_run(folder, GrpoSettings(**CHOICES), checkpoint=checkpoint, device=device, dtype=dtype)
    calm = told_by(folder, "calm.pt")
    resumed = told_by(folder, "resumed.pt", str(folder / "calm.pt"))
    start, first, second = calm["weights"], calm["updated"], resumed["updated"]
    return {
        "resumed_at": resumed["begun"],
        **{f"{name}_equal": same(calm[name], resumed[name]) for name in STATES},
        "same_prompts": calm["prompts"] == resumed["prompts"],
        "same_completions": calm["completions"] == resumed["completions"],
        "relative_weight_gap": float(gaps(first, second).max()),
        "relative_update_gap": distance(first, second) / distance(first, start),
        "relative_update": float(gaps(first, start).max()),
        "least_relative_update": float(gaps(first, start).min()),
    }


def main() -> None:
    """Both precisions side by side, the figures to ``--out`` and to the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--out", type=Path)
    choices = parser.parse_args()
    with tempfile.TemporaryDirectory() as root, ThreadPoolExecutor() as pool:
        found = pool.map(lambda dtype: compare(Path(root) / dtype, choices.device, dtype), choices.dtype)
        report = dict(zip(choices.dtype, found, strict=True))
    report_end(report, choices.device, choices.out)


if __name__ == "__main__":
    main()
