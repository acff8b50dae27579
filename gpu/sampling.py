"""Several answers to every prompt, with the prompt read once.

Stock ``generate`` copies a prompt (and its picture) for every answer. Here a prompt is read once; while answers are
short they then grow side by side in one row, each seeing the prompt and itself, so that not even the prompt's keys
and values are copied. Long answers get rows of their own. The tokens are those that stock sampling could draw:
temperature, top-k, top-p, in this order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.specs import Sampling
from gpu.errors import GpuFault
from gpu.vision import core_of

SIDE_BY_SIDE_TOKENS = 2048
KEEP_FINISHED = 0.75


@dataclass(frozen=True)
class Tokens:
    """Which ids end an answer, which may never be drawn, and which fills up a finished one."""

    stop: list[int]
    blocked: list[int]
    pad: int


@dataclass
class _Growing:
    """Rows that still grow: their cache, what every answer may see of it, and where they stand."""

    cache: Any
    seen: Tensor  # (rows, answers a row, cached tokens) bool
    start: Tensor  # (rows, 1): the position of the first drawn token
    row: Tensor  # (rows,): which row of the result this is
    done: Tensor  # (rows, answers a row) bool

    def keep(self, rows: Tensor) -> None:
        """Forget all other rows."""
        self.cache.batch_select_indices(rows)
        self.seen, self.start = self.seen[rows], self.start[rows]
        self.row, self.done = self.row[rows], self.done[rows]


@torch.no_grad()
def sample_answers(
    model: Any,
    inputs: Mapping[str, Tensor],
    sampling: Sampling,
    tokens: Tokens,
    generator: torch.Generator | None = None,
    beat: Callable[[], None] = lambda: None,
) -> list[list[list[int]]]:
    """For each left-padded prompt ``sampling.num_answers`` lists of token ids; a stop token is included.

    ``beat`` is called before every token: a sign of life.
    """
    growing, logits = _read_prompts(model, inputs, sampling)
    rows, width = growing.done.shape
    drawn = torch.full((rows, width, sampling.max_new_tokens), tokens.pad, device=logits.device)
    lengths = torch.full((rows, width), sampling.max_new_tokens, device=logits.device)
    stop = torch.tensor(tokens.stop, device=logits.device)
    for step in range(sampling.max_new_tokens):
        beat()
        chosen = draw(logits, sampling, tokens.blocked, generator).masked_fill(growing.done, tokens.pad)
        drawn[growing.row, :, step] = chosen
        ended = torch.isin(chosen, stop) & ~growing.done
        lengths[growing.row] = lengths[growing.row].masked_fill(ended, step + 1)
        growing.done |= ended
        alive = (~growing.done.all(1)).nonzero().flatten()
        if len(alive) == 0 or step + 1 == sampling.max_new_tokens:
            break
        if len(alive) <= KEEP_FINISHED * len(growing.done):
            growing.keep(alive)
            chosen = chosen[alive]
        logits = _grow(model, growing, chosen, step)
    flat = [ids[:length] for ids, length in zip(drawn.flatten(0, 1).tolist(), lengths.flatten().tolist(), strict=True)]
    count = sampling.num_answers
    return [flat[i : i + count] for i in range(0, len(flat), count)]


def _read_prompts(model: Any, inputs: Mapping[str, Tensor], sampling: Sampling) -> tuple[_Growing, Tensor]:
    """The cache after the prompts, and the logits (rows, answers a row, vocabulary) of the first tokens."""
    mask, count = inputs["attention_mask"].bool(), sampling.num_answers
    kinds = {k: inputs[k] for k in ("mm_token_type_ids", "image_grid_thw") if k in inputs}
    positions, delta = core_of(model).model.get_rope_index(inputs["input_ids"], attention_mask=mask, **kinds)
    output = model(**inputs, position_ids=positions, use_cache=True, logits_to_keep=1)
    cache, logits = output.past_key_values, output.logits[:, -1:]
    start = mask.sum(1, keepdim=True) + delta
    width = count if count * sampling.max_new_tokens <= SIDE_BY_SIDE_TOKENS else 1
    if width < count:
        cache.batch_repeat_interleave(count)
        mask, start, logits = (part.repeat_interleave(count, dim=0) for part in (mask, start, logits))
    rows = len(mask)
    growing = _Growing(
        cache=cache,
        seen=mask[:, None].expand(-1, width, -1),
        start=start,
        row=torch.arange(rows, device=mask.device),
        done=torch.zeros(rows, width, dtype=torch.bool, device=mask.device),
    )
    return growing, logits.expand(-1, width, -1)


def _grow(model: Any, growing: _Growing, chosen: Tensor, step: int) -> Tensor:
    """Append ``chosen`` (rows, answers a row) and return the logits that follow."""
    rows, width = chosen.shape
    itself = torch.eye(width, dtype=torch.bool, device=chosen.device).expand(rows, -1, -1)
    growing.seen = torch.cat([growing.seen, itself], dim=2)
    output = model(
        input_ids=chosen,
        attention_mask=growing.seen[:, None],
        position_ids=(growing.start + step).expand(3, rows, width),
        past_key_values=growing.cache,
        use_cache=True,
    )
    return output.logits  # type: ignore[no-any-return]


@torch.no_grad()
def drawn_log_probs(
    model: Any, inputs: Mapping[str, Tensor], answers: list[list[list[int]]], sampling: Sampling
) -> list[list[Tensor]]:
    """The log-probability of every token of given answers, on the very path on which they are drawn."""
    given = [ids for group in answers for ids in group]
    longest = max(map(len, given))
    growing, logits = _read_prompts(model, inputs, sampling)
    padded = [ids + [0] * (longest - len(ids)) for ids in given]
    chosen = torch.tensor(padded, device=logits.device).view(*growing.done.shape, longest)
    steps = []
    for step in range(longest):
        chances = (logits.float() / sampling.temperature).log_softmax(-1)
        steps.append(chances.gather(-1, chosen[..., step, None]).flatten())
        if step + 1 < longest:
            logits = _grow(model, growing, chosen[..., step], step)
    flat = [row[: len(ids)] for row, ids in zip(torch.stack(steps, 1), given, strict=True)]
    count = sampling.num_answers
    return [flat[i : i + count] for i in range(0, len(flat), count)]


def draw(logits: Tensor, sampling: Sampling, blocked: list[int], generator: torch.Generator | None) -> Tensor:
    """One id for each row of ``logits`` (..., vocabulary); the most likely one at temperature 0."""
    if bool(logits.isnan().any()):
        raise GpuFault("diverged", "The model's logits are not numbers (NaN).")
    logits = logits.float().index_fill(-1, torch.tensor(blocked, dtype=torch.long, device=logits.device), float("-inf"))
    if sampling.temperature == 0:
        return logits.argmax(-1)
    logits = logits / sampling.temperature
    if 0 < sampling.top_k < logits.shape[-1]:
        least = logits.topk(sampling.top_k).values[..., -1:]
        logits = logits.masked_fill(logits < least, float("-inf"))
    if sampling.top_p < 1:
        logits = _nucleus(logits, sampling.top_p)
    chances = logits.softmax(-1)
    return torch.multinomial(chances.flatten(0, -2), 1, generator=generator).view(chances.shape[:-1])


def _nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Keep the fewest most likely ids whose chances add up to at least ``top_p``."""
    ordered, order = logits.sort(descending=True)
    before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
    kept = (before < top_p).scatter(-1, order, before < top_p)
    return logits.masked_fill(~kept, float("-inf"))
