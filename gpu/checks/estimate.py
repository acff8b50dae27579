"""Memory, time and disk, estimated from the model's size and from what was measured; each says its basis."""

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import nn

from core.check_specs import CheckLine, CheckSpec
from gpu.checks.lines import line
from gpu.loading import check_folder, hub

MEASURED = Path(__file__).parents[2] / "docs" / "results" / "grpo_7b.json"
# What bench.gpu_7b measures: pictures of 672 x 672 pixels (576 tokens) and answers of 256 tokens, 8 in a pass.
MEASURED_PASS_TOKENS = 8 * (576 + 64 + 256)
MASTER, TRAINED, SAVED = 4, 16, 12  # bytes: a weight in fp32; with gradient and Adam; with Adam on the disk
COMPARABLE = 8  # a measured speed says something of models of at least this part of its size
CHECKPOINTS = 3  # on the disk at once: two are kept while a third is written
COMPUTED = {"float32": 4, "bfloat16": 2}  # bytes of a weight as a divided run gathers it


@dataclass(frozen=True)
class Shape:
    """How many weights a run holds, how many of them it trains, and between how many GPUs they are divided."""

    weights: int
    trained: int
    held_bytes: int = MASTER
    has_reference: bool = False
    has_adapters: bool = False
    shards: int = 1
    gathered_bytes: int = 0
    checkpoints: int = CHECKPOINTS

    @property
    def frozen(self) -> int:
        """Weights that stay as they are."""
        return self.weights if self.has_adapters else self.weights - self.trained

    @property
    def static_gb(self) -> float:
        """What one GPU holds of weights, gradients, optimizer and reference, before any picture is read."""
        reference = MASTER * self.weights if self.has_reference else 0
        return (TRAINED * self.trained + self.held_bytes * self.frozen + reference) / self.shards / 1e9

    @property
    def gathered_gb(self) -> float:
        """All weights of a divided run, on every GPU while answers are drawn."""
        return self.gathered_bytes * self.weights / 1e9

    @property
    def least_gb(self) -> float:
        """Without this much nothing runs; a divided run first loads weights and reference whole."""
        whole = MASTER * self.weights * (1 + self.has_reference) / 1e9 if self.gathered_bytes else 0.0
        return max(self.static_gb + self.gathered_gb, whole)

    @property
    def saved_gb(self) -> float:
        """What a run writes at most: resumable checkpoints, and the child in bf16."""
        frozen = 0 if self.has_adapters else MASTER * self.frozen
        return (self.checkpoints * (SAVED * self.trained + frozen) + 2 * self.weights) / 1e9


def shape_of(spec: CheckSpec) -> Shape:
    """The run's shape, from the config alone: no weight is loaded."""
    config, settings = check_folder(spec.places.checkpoint), spec.settings
    with torch.device("meta"):
        model: Any = hub.AutoModelForImageTextToText.from_config(config)
    weights = sum(p.numel() for p in model.parameters())
    checkpoints = CHECKPOINTS if settings.save_every else 0
    if settings.lora_rank:
        layers = [m for m in model.model.language_model.modules() if isinstance(m, nn.Linear)]
        adapters = sum(settings.lora_rank * (m.in_features + m.out_features) for m in layers)
        held = COMPUTED[spec.dtype]
        return Shape(weights, adapters, held, has_adapters=True, checkpoints=checkpoints)
    frozen = sum(p.numel() for p in model.model.visual.parameters()) if settings.freeze_vision else 0
    plain = Shape(weights, weights - frozen, has_reference=settings.beta > 0, checkpoints=checkpoints)
    return divided(plain, spec) if settings.sharding == "full" and spec.device == "cuda" else plain


def divided(shape: Shape, spec: CheckSpec) -> Shape:
    """The share of one GPU; ranks on a CPU share one memory, which holds all of it."""
    return replace(shape, shards=spec.settings.gpus, gathered_bytes=COMPUTED[spec.dtype])


@dataclass(frozen=True)
class Measured:
    """One model that was measured on a GPU."""

    name: str
    device: str
    parameters: int
    trained: int
    peak_gb: float
    tokens_a_second: float

    @property
    def working_gb(self) -> float:
        """What a pass took besides weights and optimizer."""
        return self.peak_gb - (2 * self.parameters + TRAINED * self.trained) / 1e9


def nearest_measured(weights: int, path: Path = MEASURED) -> Measured | None:
    """The measured model that is nearest in size; None without figures."""
    if not path.is_file():
        return None
    report = json.loads(path.read_text(encoding="utf-8"))
    found = [
        Measured(
            name, report["device"], one["parameters"], one["trained_parameters"], one["peak_gb"], one["tokens_a_second"]
        )
        for name, one in report.items()
        if isinstance(one, dict) and one.get("peak_gb")
    ]
    return min(found, key=lambda one: abs(math.log(one.parameters / weights)), default=None)


def memory_line(spec: CheckSpec, shape: Shape, pass_tokens: int, free_gb: float) -> CheckLine:
    """What a GPU (or the host) must hold against what it has free; ``pass_tokens`` are those of the largest pass."""
    measured = nearest_measured(shape.weights) if spec.device == "cuda" else None
    working, basis = 0.0, "without the working memory of a pass, which was not measured for this device"
    if measured:
        scale = (shape.weights / measured.parameters) * pass_tokens / MEASURED_PASS_TOKENS
        working = measured.working_gb * scale
        basis = f"working memory scaled from {measured.peak_gb} GB of {measured.name} on one {measured.device}"
    needed = max(shape.static_gb + working, shape.least_gb)
    return line(
        "memory",
        f"About {needed:.2f} GB, {free_gb:.1f} GB free. Estimate: {shape.weights / 1e6:,.1f} million weights, "
        f"{shape.trained / 1e6:,.1f} million trained, {shape.static_gb:.2f} GB for them and the optimizer"
        f"{share_words(shape)}; {basis}.",
        fails=shape.least_gb > free_gb,
        warns=needed > 0.9 * free_gb,
        change=less_memory(spec, shape, free_gb),
    )


def share_words(shape: Shape) -> str:
    """How a divided run's memory comes about."""
    if not shape.gathered_bytes:
        return ""
    return f" on each of {shape.shards} GPUs, {shape.gathered_gb:.2f} GB for all weights while answers are drawn"


def less_memory(spec: CheckSpec, shape: Shape, free_gb: float) -> str:
    """What to lower first."""
    if shape.least_gb <= free_gb:
        return "Lower micro_batch_size first, then max_pixels or max_completion_tokens."
    if spec.settings.lora_rank:
        return "Take a GPU with more memory, or bfloat16 as the engine's precision."
    if shape.gathered_bytes:
        return "Take more GPUs (gpus), or set sharding to none and lora_rank to 32: adapters need a tenth of it."
    return "Set lora_rank to 32: adapters need a tenth of it. Or divide the weights: several gpus, sharding full."


def free_memory_gb(device: str, vllm_share: float) -> float:
    """What is free now for the trainer: of the GPU without vLLM's share of it, or of the host."""
    if device == "cuda":
        free, total = torch.cuda.mem_get_info()
        return (free - vllm_share * total) / 1e9
    return float(psutil.virtual_memory().available) / 1e9


def time_line(spec: CheckSpec, shape: Shape, dry_tokens_a_second: float) -> CheckLine:
    """How long the steps take at most, were every answer as long as allowed."""
    settings = spec.settings
    a_step = settings.prompts_per_step * settings.num_generations * settings.max_completion_tokens / settings.gpus
    speed, basis = dry_tokens_a_second, "the dry step's speed on this machine"
    measured = nearest_measured(shape.weights)
    if spec.device == "cuda" and measured and shape.weights > measured.parameters / COMPARABLE:
        speed = measured.tokens_a_second * measured.parameters / shape.weights
        basis = f"{measured.tokens_a_second:,.0f} tokens/s of {measured.name} on one {measured.device}, transformers"
    seconds = settings.steps * a_step / speed
    return line(
        "time",
        f"At most {max(seconds / 60, 0.1):,.1f} minutes ({seconds / settings.steps:,.1f} s a step). Estimate: {basis}.",
    )


def disk_lines(shape: Shape, folder: Path) -> Iterator[CheckLine]:
    """Whether the disk holds resumable checkpoints with their optimizer, and the child."""
    free = shutil.disk_usage(folder).free / 1e9
    written = f"{shape.checkpoints} checkpoints with optimizer, and the child" if shape.checkpoints else "the child"
    yield line(
        "disk",
        f"About {shape.saved_gb:.2f} GB are written at most ({written}); {free:.2f} GB are free.",
        fails=shape.saved_gb > free,
        change=f"Free {max(0.0, shape.saved_gb - free):.2f} GB on {folder.parent}; adapters (lora_rank) write less.",
    )
