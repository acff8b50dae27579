"""Our training runner against a bare TRL script with the same settings, in turn, in one run.

On a GPU machine: ``python -m bench.gpu_overhead --out docs/results/grpo_overhead.json``; here: ``--tiny``.
``overhead``: seconds a step of ours over bare, minus 1, for a random-init model of about 1B weights (all trained);
``mini_ms``: milliseconds a step that ours takes longer with the mini model. Below 0, ours is faster. Medians over all
steps but the first three of each process; the arms take turns, so that a slow minute hits both. All prompts have one
length: where the stock trainer must pad prompts on the left, its gradients became NaN on a GPU after some steps.
"""

import argparse
import itertools
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from bench.gpu_report import report_end
from bench.runs import MINI, Rows, make_run, run_module
from bench.shapes import write_shape
from bench.step_clock import CLOCK_FILE
from core.specs import Device, GrpoSettings

ARMS = ("ours", "bare")
WARM_UP = 3
CHOICES: dict[str, Any] = {
    "learning_rate": 1e-6, "num_generations": 8, "prompts_per_step": 4, "micro_batch_size": 32,
    "max_completion_tokens": 24, "mask_truncated_completions": False, "save_every": 10_000,
}  # fmt: skip


def step_seconds(root: Path, checkpoint: Path, device: Device, turns: int, steps: int) -> dict[str, list[float]]:
    """Seconds of every counted step by arm."""
    found: dict[str, list[float]] = {arm: [] for arm in ARMS}
    for turn in range(turns):
        for arm in ARMS if turn % 2 == 0 else ARMS[::-1]:
            folder = root / f"{arm}-{turn}"
            settings = GrpoSettings(**CHOICES, steps=steps)
            make_run(folder, settings, checkpoint=checkpoint, rows=Rows(32, lengths=1), device=device)
            if run_module("bench.step_clock", arm, str(folder)):
                raise RuntimeError(f"{folder.name} failed")
            ends = json.loads((folder / CLOCK_FILE).read_text())
            shutil.rmtree(folder)
            found[arm] += [b - a for a, b in itertools.pairwise(ends)][WARM_UP - 1 :]
    return found


def compare(name: str, device: Device, *, is_tiny: bool) -> dict[str, Any]:
    """Both arms on one model; at least 100 counted steps each, unless tiny."""
    turns, steps = (2, 8) if is_tiny else (2, 54)
    with tempfile.TemporaryDirectory() as root:
        checkpoint = MINI
        if name != "mini":
            checkpoint = write_shape(Path(root) / "model", name, device, is_tiny=is_tiny)
        found = step_seconds(Path(root), checkpoint, device, turns, steps)
    ours, bare = (statistics.median(found[arm]) for arm in ARMS)
    print(f"{name}: ours {ours:.4f} s, bare {bare:.4f} s", file=sys.stderr, flush=True)
    return {"ours_s": round(ours, 4), "bare_s": round(bare, 4), "steps": len(found["ours"])}


def main() -> None:
    """Both models, the figures to ``--out`` and to the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--out", type=Path)
    choices = parser.parse_args()
    device: Device = "cuda" if torch.cuda.is_available() else "cpu"
    large, mini = (compare(name, device, is_tiny=choices.tiny) for name in ("1b", "mini"))
    report = {
        "overhead": round(large["ours_s"] / large["bare_s"] - 1, 4),
        "mini_ms": round(1000 * (mini["ours_s"] - mini["bare_s"]), 2),
        "1b": large,
        "mini": mini,
    }
    report_end(report, device, choices.out)


if __name__ == "__main__":
    main()
