"""Supervi training on the stream: from scratch, and the fine-tuning that plants a world's weaknesses."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from demo.make_model import fast
from demo.make_model.stream import MAX_ANSWER, NAMES, Batch, Stream

Report = Callable[[int, float, float], list[float] | None]


@dataclass(frozen=True)
class Plan:
    """How long and how fast: the learning rate follows a cosine over ``seconds`` after ``warm_up`` steps."""

    seconds: float
    rate: float
    chunks: int
    warm_up: int = 100
    report_every: float = 20.0
    final_share: float = 0.02


def answer_loss(model: Any, batch: Batch, block_pass: fast.Layer, layer_pass: fast.Layer) -> Tensor:
    """Mean cross-entropy over the tokens of the answers to learn."""
    ids, length, target = batch["ids"], batch["length"], batch["target"]
    columns = (length[:, None] + torch.arange(MAX_ANSWER, device=ids.device)).clamp(max=ids.shape[1] - 1)
    filled = ids.scatter(1, columns, target)
    seen = fast.see(model, batch["images"], block_pass)
    logits = fast.token_logits(model, seen, filled, length, MAX_ANSWER, layer_pass)
    losses = functional.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none")
    mask = (target != 0).flatten().float()
    return (losses * mask).sum() / mask.sum()


def optimizer(model: Any, rate: float, weight_decay: float = 0.05) -> torch.optim.AdamW:
    """AdamW that decays matrices only."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=next(model.parameters()).is_cuda)


def _rate(plan: Plan, step: int, share: float) -> float:
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    return plan.rate * min(1.0, (step + 1) / plan.warm_up) * max(plan.final_share, cosine)


class Trainer:
    """Trains any number of models of one shape, one after the other; ``quick`` compiles the layers, once."""

    def __init__(self, stream: Stream, device: torch.device, quick: bool) -> None:
        self.stream, self.device = stream, device
        self.layers: tuple[fast.Layer, fast.Layer] = (fast.vision_block, fast.text_layer)
        if quick:
            torch._dynamo.config.suppress_errors = True  # a layer that cannot be compiled runs as it is
            self.layers = (torch.compile(fast.vision_block), torch.compile(fast.text_layer))

    def step(self, model: Any, chunks: int) -> Tensor:
        """Add one batch's gradients; returns the loss."""
        batch = self.stream.batch(chunks, self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            loss = answer_loss(model, batch, *self.layers)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def train(self, model: Any, plan: Plan, report: Report) -> int:
        """Train until the plan's time is over; returns the number of steps.

        ``report(step, seconds, loss)`` is called now and then and may return new weights of the suites.
        """
        adam = optimizer(model, plan.rate)
        begun = reported = time.monotonic()
        step = 0
        while (pas := time.monotonic() - begun) < plan.seconds:
            for group in adam.param_groups:
                group["lr"] = _rate(plan, step, pas / plan.seconds)
            loss = self.step(model, plan.chunks)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adam.step()
            adam.zero_grad()
            step += 1
            if time.monotonic() - reported > plan.report_every:
                reported = time.monotonic()
                weights = report(step, reported - begun, float(loss))
                if weights:
                    self.stream.reweigh(weights)
        return step


def needs(accuracy: dict[str, float], floor: float = 0.1) -> list[float]:
    """Weights of the suites that grow with what is still wrong."""
    return [floor + (1 - accuracy[name]) for name in NAMES]
