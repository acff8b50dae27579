"""GRPO by hand on the fast forward pass: finds settings in seconds; the product trains with TRL."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from demo.make_model import fast
from demo.make_model.answering import answer, right
from demo.make_model.stream import MAX_ANSWER, Batch

ACCURACY, FORMAT = 0.9, 0.1


@dataclass(frozen=True)
class Settings:
    """The part of GRPO's settings that is searched."""

    rate: float
    beta: float
    steps: int
    prompts: int = 32
    copies: int = 8


@dataclass(frozen=True)
class Tokens:
    """The ids that the reward looks at."""

    box: int
    close: int
    end: int
    forbidden: tuple[int, ...]


def rewards(tokens: Tensor, batch: Batch, known: Tokens) -> Tensor:
    """.9 for the gold answer and .1 for any boxed one: ``[B]``."""
    ends = (tokens == known.end).float().argmax(1)
    last = tokens.gather(1, (ends - 1).clamp(min=0)[:, None])[:, 0]
    boxed = (tokens[:, 0] == known.box) & (last == known.close) & (ends > 0)
    return ACCURACY * right(tokens, batch).float() + FORMAT * boxed.float()


def _log_probs(model: Any, batch: Batch, tokens: Tensor) -> Tensor:
    ids, length = batch["ids"], batch["length"]
    columns = (length[:, None] + torch.arange(MAX_ANSWER, device=ids.device)).clamp(max=ids.shape[1] - 1)
    logits = fast.token_logits(
        model, fast.see(model, batch["images"]), ids.scatter(1, columns, tokens), length, MAX_ANSWER
    )
    return logits.log_softmax(-1).gather(2, tokens[..., None])[..., 0]


def _loss(model: Any, first: Any, batch: Batch, known: Tokens, settings: Settings) -> Tensor:
    tokens = answer(model, batch, 1.0, known.end, list(known.forbidden))
    reward = rewards(tokens, batch, known).view(-1, settings.copies)
    advantage = (reward - reward.mean(1, keepdim=True)) / (reward.std(1, keepdim=True) + 1e-4)
    mask = (tokens != 0).float()
    now = _log_probs(model, batch, tokens)
    gain = (now - now.detach()).exp() * advantage.reshape(-1, 1)
    if settings.beta:
        with torch.no_grad():
            before = _log_probs(first, batch, tokens)
        gain = gain - settings.beta * ((before - now).exp() - (before - now) - 1)
    return -(gain * mask).sum() / mask.sum()


def train(model: Any, pool: Batch, settings: Settings, known: Tokens) -> Any:
    """A trained copy of ``model``: every step takes the next ``prompts`` items of ``pool``, ``copies`` answers each."""
    first, trained = model, copy.deepcopy(model)
    adam = torch.optim.AdamW(trained.parameters(), lr=settings.rate, weight_decay=0.01)
    size = len(pool["ids"])
    for step in range(settings.steps):
        rows = torch.arange(step * settings.prompts, (step + 1) * settings.prompts) % size
        rows = rows.repeat_interleave(settings.copies).to(pool["ids"].device)
        batch = {name: value[rows] for name, value in pool.items()}
        _loss(trained, first, batch, known, settings).backward()
        torch.nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        adam.step()
        adam.zero_grad()
    return trained
