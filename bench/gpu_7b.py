"""Three GRPO steps at the exact shapes of Qwen2.5-VL-7B and Qwen3-VL-8B, random weights, a hash as reward.

On a GPU machine: ``python -m bench.gpu_7b --out docs/results/grpo_7b.json``, by LoRA; ``--gpus N`` on N of them, and
``--full`` for all weights, divided between the GPUs. Here: ``python -m bench.gpu_7b --tiny``.
For each shape: peak GPU memory, seconds a step, tokens a second (prompt and answer tokens over the whole step), and
the share of generation. The first step warms up and is not counted. What cannot fit is estimated and not run.
"""

import argparse
import gc
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from bench.gpu_rank import FIGURES_FILE
from bench.runs import ROOT, Rows, child_environment, make_run
from bench.shapes import write_shape
from core.check_specs import CheckSpec
from core.domain.files import write_atomic
from core.domain.launcher import child_words
from core.presets import PRESETS
from core.specs import Device, GrpoSettings, TrainSpec
from gpu.checks.estimate import MEASURED_PASS_TOKENS, free_memory_gb, memory_line, shape_of
from gpu.runtime import installed_versions

NAMES = {"qwen2.5-vl-7b": "qwen2.5-vl-7b", "qwen3-vl-8b": "qwen3-vl-8b", "1b": "qwen2.5-vl-7b"}
LARGE = ("qwen2.5-vl-7b", "qwen3-vl-8b")
SIZES = {"steps": 3, "prompts_per_step": 4, "max_completion_tokens": 256, "mask_truncated_completions": False}
TINY = {"max_completion_tokens": 6}


def settings_of(name: str, choices: argparse.Namespace) -> GrpoSettings:
    """The model's preset, with few and short steps, and no checkpoint of a full fine-tune: those take 100 GB."""
    preset = PRESETS[f"{NAMES[name]}-{'full' if choices.full else 'lora'}"].settings.model_dump()
    chosen = preset | SIZES | {"gpus": choices.gpus} | (TINY if choices.tiny else {})
    return GrpoSettings.model_validate(chosen | ({"save_every": 0} if choices.full else {}))


def measure(name: str, root: Path, device: Device, choices: argparse.Namespace) -> dict[str, Any]:
    """One shape's figures, or why it was not run."""
    checkpoint = write_shape(root / "model", name, device, is_tiny=choices.tiny)
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
    rows = Rows(pixels=112 if choices.tiny else 672)
    spec = make_run(root / "run", settings_of(name, choices), checkpoint=checkpoint, rows=rows, device=device)
    if says := too_large(spec):
        return {"not_run": says}
    command = child_words("bench.gpu_rank", str(root / "run"), choices.gpus)
    subprocess.run(command, cwd=ROOT, env=child_environment(), stdin=subprocess.DEVNULL, check=False)
    found: dict[str, Any] = json.loads((root / "run" / FIGURES_FILE).read_text())
    return {"gpus": choices.gpus, **found}


def too_large(spec: TrainSpec) -> str:
    """What pre-flight says of memory where it fails."""
    check = CheckSpec.model_validate(spec.model_dump(exclude={"kind"}))
    found = memory_line(check, shape_of(check), MEASURED_PASS_TOKENS, free_memory_gb(spec.device, 0.0))
    return found.found if found.status == "fail" else ""


def main() -> None:
    """Both shapes, or the one that is named; the figures go to ``--out`` and to the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--only", choices=sorted(NAMES))
    parser.add_argument("--out", type=Path)
    choices = parser.parse_args()
    device: Device = "cuda" if torch.cuda.is_available() else "cpu"
    found: dict[str, Any] = {}
    for name in [choices.only] if choices.only else LARGE:
        with tempfile.TemporaryDirectory() as root:
            found[name] = measure(name, Path(root), device, choices)
        print(f"{name}: {json.dumps(found[name])}", file=sys.stderr, flush=True)
    gpu = torch.cuda.get_device_name() if device == "cuda" else platform.processor()
    command = f"python -m bench.gpu_7b {' '.join(sys.argv[1:])}".strip()
    report = json.dumps({**found, "device": gpu, "versions": installed_versions(), "command": command})
    if choices.out:
        write_atomic(choices.out, report + "\n")
    print(report)


if __name__ == "__main__":
    main()
