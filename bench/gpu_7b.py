"""Three GRPO steps at the exact shapes of Qwen2.5-VL-7B and Qwen3-VL-8B, random weights, a hash as reward.

On a GPU machine: ``python -m bench.gpu_7b --out docs/results/grpo_7b.json``, by LoRA; ``--gpus N`` on N of them, and
``--how lora full`` for all weights too, divided between the GPUs; ``--vllm SHARE`` lets vLLM generate in the trainer's
process. Here: ``python -m bench.gpu_7b --tiny``.
For each shape: peak GPU memory, seconds a step, tokens a second (prompt and answer tokens over the whole step), and
the share of generation. The first step warms up and is not counted. What cannot fit is estimated and not run.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from bench.gpu_rank import FIGURES_FILE
from bench.gpu_report import report_end, report_keep
from bench.runs import ROOT, Rows, child_environment, make_run
from bench.shapes import write_shape
from core.check_specs import CheckSpec
from core.domain.launcher import child_words
from core.presets import PRESETS
from core.specs import Device, GrpoSettings, TrainSpec
from gpu.checks.estimate import MEASURED_PASS_TOKENS, free_memory_gb, memory_line, shape_of

NAMES = {"qwen2.5-vl-7b": "qwen2.5-vl-7b", "qwen3-vl-8b": "qwen3-vl-8b", "1b": "qwen2.5-vl-7b"}
LARGE = ("qwen2.5-vl-7b", "qwen3-vl-8b")
SIZES = {"steps": 3, "prompts_per_step": 4, "max_completion_tokens": 256, "mask_truncated_completions": False}
TINY = {"max_completion_tokens": 6}


def settings_of(name: str, how: str, *, is_tiny: bool = False, gpus: int = 1, vllm: float = 0.0) -> GrpoSettings:
    """The model's preset, with few and short steps, and no checkpoint of a full fine-tune: those take 100 GB."""
    chosen = PRESETS[f"{NAMES[name]}-{how}"].settings.model_dump() | SIZES | (TINY if is_tiny else {})
    chosen |= {"gpus": gpus, "vllm_memory_share": vllm} | ({"save_every": 0} if how == "full" else {})
    return GrpoSettings.model_validate(chosen)


def measure(settings: GrpoSettings, checkpoint: Path, root: Path, device: Device, *, is_tiny: bool) -> dict[str, Any]:
    """The figures of one run, or why it was not run."""
    rows = Rows(pixels=112 if is_tiny else 672)
    spec = make_run(root, settings, checkpoint=checkpoint, rows=rows, device=device)
    if says := too_large(spec):
        return {"not_run": says}
    command = child_words("bench.gpu_rank", str(root), settings.gpus)
    subprocess.run(command, cwd=ROOT, env=child_environment(), stdin=subprocess.DEVNULL, check=False)
    found: dict[str, Any] = json.loads((root / FIGURES_FILE).read_text())
    return {"gpus": settings.gpus, **found}


def too_large(spec: TrainSpec) -> str:
    """What pre-flight says of memory where it fails."""
    check = CheckSpec.model_validate(spec.model_dump(exclude={"kind"}))
    found = memory_line(check, shape_of(check), MEASURED_PASS_TOKENS, free_memory_gb(spec.device, 0.0))
    return found.found if found.status == "fail" else ""


def main() -> None:
    """Both shapes, or the one that is named; the figures go to ``--out`` and to the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--how", nargs="+", choices=("lora", "full"), default=["lora"])
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--vllm", type=float, default=0.0)
    parser.add_argument("--only", choices=sorted(NAMES))
    parser.add_argument("--out", type=Path)
    choices = parser.parse_args()
    device: Device = "cuda" if torch.cuda.is_available() else "cpu"
    found: dict[str, Any] = {}
    for name in [choices.only] if choices.only else LARGE:
        with tempfile.TemporaryDirectory() as root:
            checkpoint = write_shape(Path(root) / "model", name, device, is_tiny=choices.tiny)
            for how in choices.how:
                settings = settings_of(name, how, is_tiny=choices.tiny, gpus=choices.gpus, vllm=choices.vllm)
                found[key := f"{name}-{how}"] = measure(
                    settings, checkpoint, Path(root) / how, device, is_tiny=choices.tiny
                )
                print(f"{key}: {json.dumps(found[key])}", file=sys.stderr, flush=True)
            report_keep(found, device, choices.out)
    report_end(found, device, choices.out)


if __name__ == "__main__":
    main()
