"""Log-probabilities of many answers to few prompts, with each prompt and picture computed once.

GRPO scores 8 or more answers to one prompt; stock code runs the prompt and its picture once for each. Here one row
holds a prompt and all answers to it: ``prompt without its last token | last token, answer 1 | last token, answer 2``.
The mask lets an answer see the prompt and itself, and positions go on from the prompt's end, so every answer token
gets the log-probability that it has in a row of its own; gradients add up to the same (tests/gpu/test_packing.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gpu.vision import core_of

MAX_ROW_TOKENS = 2048


@dataclass(frozen=True)
class Answers:
    """Rows as TRL lays them out: left-padded prompt, right-padded answer of ``length`` tokens.

    ``group`` (rows,) is equal for rows that answer the same prompt; ``num_images`` says how many of the
    pictures in ``pixel_values`` and ``image_grid_thw`` belong to each row.
    """

    input_ids: Tensor
    attention_mask: Tensor
    length: int
    group: Tensor
    mm_token_type_ids: Tensor | None = None
    pixel_values: Tensor | None = None
    image_grid_thw: Tensor | None = None
    num_images: list[int] | None = None

    def chunks(self, size: int) -> "Iterator[Answers]":
        """At most ``size`` rows at a time, with their pictures."""
        grids, patches = self.pictures()
        for start in range(0, len(self.input_ids), size):
            rows = slice(start, start + size)
            yield Answers(
                input_ids=self.input_ids[rows],
                attention_mask=self.attention_mask[rows],
                length=self.length,
                group=self.group[rows],
                mm_token_type_ids=None if self.mm_token_type_ids is None else self.mm_token_type_ids[rows],
                pixel_values=torch.cat(list(patches[rows])) if patches else None,
                image_grid_thw=torch.cat(list(grids[rows])) if patches else None,
                num_images=self.num_images[rows] if self.num_images else None,
            )

    def pictures(self) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """Row by row the grids and the patches of its pictures; empty when no row has any."""
        if self.pixel_values is None or self.image_grid_thw is None or self.num_images is None:
            return (), ()
        grids = torch.split(self.image_grid_thw, self.num_images)
        return grids, torch.split(self.pixel_values, [int(grid.prod(1).sum()) for grid in grids])


@dataclass(frozen=True)
class _Places:
    """Where each row of the answers goes: packed row, and place among the answers there."""

    row: Tensor  # (rows,)
    slot: Tensor  # (rows,)
    first: Tensor  # (packed rows,): one row of the answers for each packed row, to take the prompt from
    width: int  # answers in the fullest packed row


def _places(group: Tensor) -> _Places:
    _, row = torch.unique(group, return_inverse=True)
    same = row[:, None] == row[None, :]
    slot = same.tril(-1).sum(1)
    first = torch.nonzero(slot == 0).flatten()
    return _Places(row, slot, first[row[first].argsort()], int(slot.max()) + 1)


def fits(answers: Answers) -> bool:
    """Whether packed rows stay short enough for a dense mask."""
    width = _places(answers.group).width
    return answers.input_ids.shape[1] - answers.length + width * answers.length <= MAX_ROW_TOKENS


def packed_log_probs(model: Any, answers: Answers) -> tuple[Tensor, Tensor | None]:
    """Log-probabilities and entropies (rows, ``length``), 0 where the answer is padded or masked.

    ``model`` must carry TRL's fused head (``trl.trainer.utils.add_fused_lm_head``); entropies come if it gives them.
    """
    places = _places(answers.group)
    prompt = answers.input_ids.shape[1] - answers.length
    ids, mask = answers.input_ids[places.first, :prompt], answers.attention_mask[places.first, :prompt].bool()
    pictures = _pictures(answers, places.first)
    positions, _ = core_of(model).model.get_rope_index(
        ids,
        mm_token_type_ids=_token_types(answers, places.first)[:, :prompt],
        attention_mask=mask,
        image_grid_thw=pictures.get("image_grid_thw"),
    )
    tokens, labels = _pack_tokens(answers, places)
    output = model(
        input_ids=torch.cat([ids[:, :-1], tokens], 1),
        attention_mask=_pack_mask(mask[:, :-1], places.width, answers.length)[:, None],
        position_ids=_pack_positions(positions, places.width, answers.length),
        shift_labels=torch.cat([torch.full_like(ids[:, :-1], -100), labels], 1),
        fused_lm_head=True,
        **pictures,
    )
    entropy = None if output.entropy is None else _unpack(output.entropy, answers, places)
    return _unpack(output.log_probs, answers, places), entropy


def _token_types(answers: Answers, rows: Tensor) -> Tensor:
    if answers.mm_token_type_ids is None:
        return torch.zeros_like(answers.input_ids[rows])
    return answers.mm_token_type_ids[rows]


def _pictures(answers: Answers, rows: Tensor) -> dict[str, Tensor]:
    """The pictures of these rows alone, in their order."""
    grids, patches = answers.pictures()
    wanted = [row for row in rows.tolist() if patches and len(grids[row])]
    if not wanted:
        return {}
    return {
        "pixel_values": torch.cat([patches[row] for row in wanted]),
        "image_grid_thw": torch.cat([grids[row] for row in wanted]),
    }


def _pack_tokens(answers: Answers, places: _Places) -> tuple[Tensor, Tensor]:
    """Input and label ids (packed rows, width * length) of the answers; empty places and padding have label -100."""
    length, shape = answers.length, (len(places.first), places.width, answers.length)
    ids = answers.input_ids[:, -length:]
    tokens, labels = ids.new_zeros(shape), ids.new_full(shape, -100)
    tokens[places.row, places.slot] = answers.input_ids[:, -length - 1 : -1]
    labels[places.row, places.slot] = ids.masked_fill(answers.attention_mask[:, -length:] == 0, -100)
    return tokens.flatten(1), labels.flatten(1)


def _pack_mask(prompt: Tensor, width: int, length: int) -> Tensor:
    """Who sees whom (packed rows, tokens, tokens): the prompt what came before, an answer also itself."""
    answer = torch.arange(1, width + 1, device=prompt.device).repeat_interleave(length)
    part = torch.cat([answer.new_zeros(prompt.shape[1]), answer])
    order = torch.arange(len(part), device=prompt.device)
    seen = (order[None] <= order[:, None]) & ((part[None] == part[:, None]) | (part[None] == 0))
    real = torch.cat([prompt, prompt.new_ones(len(prompt), len(answer))], 1)
    alone = torch.eye(len(part), dtype=torch.bool, device=prompt.device)
    return (seen & real[:, None]) | alone


def _pack_positions(prompt: Tensor, width: int, length: int) -> Tensor:
    """Three-axis positions (3, packed rows, tokens); every answer goes on from the prompt's last token."""
    steps = torch.arange(length, device=prompt.device).repeat(width)
    return torch.cat([prompt[..., :-1], prompt[..., -1:] + steps], 2)


def _unpack(values: Tensor, answers: Answers, places: _Places) -> Tensor:
    """From packed rows back to (rows, length)."""
    parts = values[:, -places.width * answers.length :].reshape(len(values), places.width, answers.length)
    return parts[places.row, places.slot]
