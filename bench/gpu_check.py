"""The pre-flight of a run on a GPU, as a worker starts it: every line of its table, and how long it took.

``python -m bench.gpu_check --out docs/results/preflight.json`` looks at a run of the mini model in bf16 and at one of
Qwen2.5-VL-7B's shape by LoRA (random weights: its answers mean nothing, so lines on rewards and pictures may warn).
``--vllm SHARE`` lets vLLM generate in the trainer's process; ``--only`` takes one of them.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from bench.gpu_7b import settings_of
from bench.gpu_report import report_end
from bench.runs import MINI, Rows, make_run, run_module
from bench.shapes import write_shape
from core.check_specs import CheckSpec
from core.domain.files import write_atomic
from core.domain.gradients import Difficulty
from core.presets import PRESETS
from core.specs import RESULT_FILE, SPEC_FILE, Device, GrpoSettings, TrainSpec

LARGE = "qwen2.5-vl-7b"
COUNTS: tuple[Difficulty, ...] = ((4, 8, 64),)


def run_of(name: str, root: Path, device: Device, vllm: float) -> TrainSpec:
    """RUN_DIR of the training run that is looked at."""
    folder = root / "run"
    if name == LARGE:
        checkpoint = write_shape(root / "model", name, device)
        settings = settings_of(name, "lora", vllm=vllm)
        return make_run(folder, settings, checkpoint=checkpoint, rows=Rows(64, pixels=672), device=device)
    chosen = PRESETS["mini"].settings.model_dump() | {"vllm_memory_share": vllm}
    settings = GrpoSettings.model_validate(chosen)
    return make_run(folder, settings, checkpoint=MINI, rows=Rows(64), device=device)


def look(name: str, root: Path, device: Device, vllm: float) -> dict[str, Any]:
    """The table of one pre-flight, made by ``python -m gpu.check``."""
    train = run_of(name, root, device, vllm)
    spec = CheckSpec.model_validate({**train.model_dump(exclude={"kind"}), "difficulty": COUNTS})
    write_atomic(root / "run" / SPEC_FILE, spec.model_dump_json())
    if status := run_module("gpu.check", str(root / "run")):
        raise RuntimeError(f"the pre-flight of {name} ended with status {status}")
    said = json.loads((root / "run" / RESULT_FILE).read_text())
    return {key: said[key] for key in ("seconds", "lines")}


def main() -> None:
    """The tables to ``--out`` and to the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=("mini", LARGE))
    parser.add_argument("--vllm", type=float, default=0.0)
    parser.add_argument("--out", type=Path)
    choices = parser.parse_args()
    device: Device = "cuda" if torch.cuda.is_available() else "cpu"
    report: dict[str, Any] = {}
    for name in [choices.only] if choices.only else ("mini", LARGE):
        with tempfile.TemporaryDirectory() as root:
            report[name] = look(name, Path(root), device, choices.vllm)
        for one in report[name]["lines"]:
            print(name, one["status"], one["name"], one["found"], file=sys.stderr, flush=True)
    report_end(report, device, choices.out)


if __name__ == "__main__":
    main()
