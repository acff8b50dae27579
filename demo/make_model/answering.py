"""Sampled and greedy answers of the mini model, and how often they are right."""

from typing import Any

import torch
from torch import Tensor

from demo.make_model import fast
from demo.make_model.stream import MAX_ANSWER, NAMES, Batch
from demo.make_model.vocabulary import VISION_END


def forbidden_ids(tokenizer: Any) -> list[int]:
    """The special tokens that a completion must never hold (a sampled image token breaks the next forward)."""
    return [int(i) for i in tokenizer.all_special_ids if i != tokenizer.eos_token_id] + [
        int(tokenizer.convert_tokens_to_ids(VISION_END))
    ]


@torch.no_grad()
def answer(model: Any, batch: Batch, temperature: float, end: int, forbidden: list[int]) -> Tensor:
    """Answer tokens ``[B, MAX_ANSWER]`` including the end token, zeros after it; temperature 0 is greedy."""
    ids, length = batch["ids"].clone(), batch["length"]
    seen = fast.see(model, batch["images"])
    rows = torch.arange(len(ids), device=ids.device)
    done = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
    tokens = torch.zeros(len(ids), MAX_ANSWER, dtype=torch.long, device=ids.device)
    for step in range(MAX_ANSWER):
        logits = fast.token_logits(model, seen, ids, length + step, 1)[:, 0]
        logits[:, forbidden] = -torch.inf
        drawn = torch.multinomial((logits / (temperature or 1.0)).softmax(-1), 1)[:, 0]
        chosen = drawn if temperature else logits.argmax(-1)
        chosen = torch.where(done, 0, chosen)
        tokens[:, step] = chosen
        ids[rows, (length + step).clamp(max=ids.shape[1] - 1)] = chosen
        done |= chosen == end
        if done.all():
            break
    return tokens


def right(tokens: Tensor, batch: Batch) -> Tensor:
    """Which answers are the gold answer, token for token: ``bool [B]``."""
    return (tokens == batch["gold"]).all(1)


def accuracies(model: Any, batch: Batch, temperature: float, end: int, forbidden: list[int]) -> dict[str, float]:
    """The share of right answers of every suite, over batches of at most 2,048 items."""
    hits = []
    for start in range(0, len(batch["ids"]), 2048):
        part = {name: value[start : start + 2048] for name, value in batch.items()}
        hits.append(right(answer(model, part, temperature, end, forbidden), part))
    hit = torch.cat(hits).float()
    return {name: float(hit[batch["suite"] == i].mean()) for i, name in enumerate(NAMES)}
