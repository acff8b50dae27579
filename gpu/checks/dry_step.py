"""One small optimizer step with a made-up reward: does it move weights, also after rounding to bf16?"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from core.check_specs import CheckLine
from core.specs import GrpoSettings
from gpu.adapters import has_adapters
from gpu.checks.lines import line
from gpu.train import Curves

DRY_PROMPTS, DRY_TOKENS = 2, 32
WATCHED = 16
MIN_KEPT = 1e-4  # fewer than this are weights that stood at a rounding edge by chance
STILL = "No weight changes: learning_rate is too small even for float32, or nothing is trained."
LOST = (
    "The update is lost when the child is written in bf16, the precision of the file that is evaluated: raise "
    "learning_rate (LoRA takes about ten times that of a full fine-tune)."
)
ALIKE = "Raise temperature, or take a checkpoint that has not settled on one answer: equal answers give no gradient."


def dry_settings(settings: GrpoSettings, *, keeps_vllm: bool = False) -> GrpoSettings:
    """The same training in small: few prompts, short answers, one step at the full learning rate, drawn by torch."""
    generator = {} if keeps_vllm else {"vllm_url": "", "vllm_memory_share": 0.0}
    dropped = ("warmup",) if keeps_vllm else ("warmup", "vllm")
    changes = {
        **generator,
        "steps": 1,
        "steps_per_generation": 1,
        "save_every": 1,
        "gpus": 1,
        "sharding": "none",
        "prompts_per_step": DRY_PROMPTS,
        "max_completion_tokens": min(settings.max_completion_tokens, DRY_TOKENS),
        "mask_truncated_completions": False,
        "weight_decay": 0.0,
        "lr_scheduler_type": "constant",
        "extra": {name: value for name, value in settings.extra.items() if not name.startswith(dropped)},
    }
    return GrpoSettings.model_validate(settings.model_dump() | changes)


@dataclass
class Alternating:
    """Rewards every second answer, so that every group has an advantage; keeps what it saw."""

    groups: int = 0
    alike: int = 0
    tokens: int = 0

    __name__ = "alternating"

    def __call__(self, completion_ids: list[list[int]], sample_id: list[str], **columns: Any) -> list[float]:
        """1 and 0 in turn."""
        size = len(completion_ids) // DRY_PROMPTS
        for start in range(0, len(completion_ids), size):
            group = completion_ids[start : start + size]
            self.groups += 1
            self.alike += len({tuple(ids) for ids in group}) == 1
        self.tokens += sum(map(len, completion_ids))
        return [float(number % 2) for number in range(len(completion_ids))]


@dataclass(frozen=True)
class Step:
    """What the dry step did."""

    moved: float  # share of watched weights that changed in float32
    kept: float  # share that still differ after rounding to bf16
    reward: Alternating
    seconds: float
    peak_gb: float | None

    @property
    def tokens_a_second(self) -> float:
        """Drawn tokens over the whole step."""
        return max(1, self.reward.tokens) / self.seconds


def take_step(trainer: Any) -> Step:
    """Take the step on the trainer, which is of no use afterwards."""
    reward = Alternating()
    trainer.reward_funcs, trainer.args.save_strategy = [reward], "no"
    trainer.remove_callback(Curves)
    watched = list(islice(watched_weights(trainer.accelerator.unwrap_model(trainer.model)), WATCHED))
    before = [read().cpu() for read in watched]
    on_gpu = trainer.accelerator.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    pairs = [(old, read().cpu()) for old, read in zip(before, watched, strict=True)]
    return Step(
        moved=share(pairs, lambda weight: weight),
        kept=share(pairs, lambda weight: weight.to(torch.bfloat16)),
        reward=reward,
        seconds=seconds,
        peak_gb=torch.cuda.max_memory_allocated() / 1e9 if on_gpu else None,
    )


def share(pairs: list[tuple[Tensor, Tensor]], read: Callable[[Tensor], Tensor]) -> float:
    """Of all weights that were not 0, those that read differently: from 0 every update, however small, is a change."""
    changed = sum(int(((read(old) != read(new)) & (old != 0)).sum()) for old, new in pairs)
    return changed / max(1, sum(int(old.count_nonzero()) for old, _ in pairs))


def watched_weights(model: Any) -> Iterator[Callable[[], Tensor]]:
    """Trained matrices from the first layer to the last; under adapters the sum of both, as it will be merged."""
    if has_adapters(model):
        layers = [module for module in model.modules() if hasattr(module, "get_delta_weight")]
        yield from (lambda one=one: adapted(one) for one in spread(layers))
    else:
        trained = [p for p in model.parameters() if p.requires_grad and p.dim() > 1]
        yield from (lambda one=one: one.detach().float().clone() for one in spread(trained))


def adapted(layer: Any) -> Tensor:
    """A layer's weights with its adapter added, in float32."""
    base: Tensor = layer.base_layer.weight.detach().float()
    delta: Tensor = layer.get_delta_weight("default").detach().float()
    return base + delta


def spread(things: list[Any]) -> list[Any]:
    """At most ``WATCHED`` of them, evenly spread."""
    return things[:: max(1, len(things) // WATCHED)]


def step_line(step: Step, learning_rate: float) -> CheckLine:
    """Whether the step moved weights, and kept them moved."""
    peak = f", peak GPU memory {step.peak_gb:.1f} GB" if step.peak_gb is not None else ""
    found = (
        f"One step of {DRY_PROMPTS} prompts at learning rate {learning_rate:g} changes {step.moved:.2%} of the watched "
        f"weights, {step.kept:.2%} after rounding to bf16 ({MIN_KEPT:.2%} are needed); {step.seconds:.1f} s{peak}."
    )
    if step.reward.alike == step.reward.groups:
        return line("dry step", f"All answers to a prompt are alike. {found}", fails=True, change=ALIKE)
    return line("dry step", found, fails=step.kept < MIN_KEPT, change=LOST if step.moved else STILL)
