"""The mini model's forward pass for pictures of one size: no Python loop over images, positions computed once.

It reads the weights of the stock model and gives the same numbers (``tests/demo/test_make_model.py``).
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from demo.make_model.architecture import GRID, MEAN, MERGE, NUM_IMAGE_TOKENS, PATCH, STD, TEXT_SIZE, VISION_SIZE

IMAGE_AT = 4  # <|im_start|> user newline <|vision_start|>, then the picture
MAX_LENGTH = 48
SIDE = GRID // MERGE


def patchify(images: Tensor) -> Tensor:
    """``uint8 [B, H, W, 3]`` to normalised patches ``[B, GRID * GRID, 3 * PATCH * PATCH]``, in merged order."""
    cells = images.view(-1, SIDE, MERGE, PATCH, SIDE, MERGE, PATCH, 3)
    cells = cells.permute(0, 1, 4, 2, 5, 7, 3, 6)
    flat = cells.reshape(images.shape[0], GRID * GRID, 3 * PATCH * PATCH)
    return (flat.float() / 255.0 - MEAN) / STD


def _rotation(positions: Tensor, dim: int, theta: float) -> Tensor:
    return positions.float()[..., None] / theta ** (torch.arange(0, dim, 2).float() / dim)


@cache
def _vision_rotation(device: torch.device) -> tuple[Tensor, Tensor]:
    head = VISION_SIZE["hidden_size"] // VISION_SIZE["num_heads"]
    index = torch.arange(GRID)
    rows, columns = torch.meshgrid(index, index, indexing="ij")
    order = [p.reshape(SIDE, MERGE, SIDE, MERGE).permute(0, 2, 1, 3).flatten() for p in (rows, columns)]
    angle = torch.cat([_rotation(p, head // 2, 10_000.0) for p in order], dim=-1)
    angle = torch.cat([angle, angle], dim=-1)
    return angle.cos().to(device), angle.sin().to(device)


@cache
def _text_rotation(device: torch.device) -> tuple[Tensor, Tensor]:
    head = TEXT_SIZE["hidden_size"] // TEXT_SIZE["num_attention_heads"]
    place = torch.arange(NUM_IMAGE_TOKENS)
    picture = torch.stack([0 * place, place // SIDE, place % SIDE]) + IMAGE_AT
    after = torch.arange(MAX_LENGTH - IMAGE_AT - NUM_IMAGE_TOKENS) + IMAGE_AT + SIDE
    positions = torch.cat([torch.arange(IMAGE_AT).expand(3, -1), picture, after.expand(3, -1)], dim=1)
    rope = TEXT_SIZE["rope_parameters"]
    parts = _rotation(positions, head, rope["rope_theta"]).split(rope["mrope_section"], dim=-1)
    angle = torch.cat([part[i] for i, part in enumerate(parts)], dim=-1)
    angle = torch.cat([angle, angle], dim=-1)
    return angle.cos().to(device), angle.sin().to(device)


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    return (x * cos + torch.cat((-x[..., half:], x[..., :half]), dim=-1) * sin).to(x.dtype)


def _norm(module: Any, x: Tensor) -> Tensor:
    wide = x.float()
    return wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-6) * module.weight


def _mlp(module: Any, x: Tensor) -> Tensor:
    return module.down_proj(functional.silu(module.gate_proj(x)) * module.up_proj(x))  # type: ignore[no-any-return]


def vision_block(block: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """One layer of the vision tower over ``x [B, patches, width]``, every patch seeing every other."""
    batch, length, width = x.shape
    heads = VISION_SIZE["num_heads"]
    qkv = block.attn.qkv(_norm(block.norm1, x)).view(batch, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    mixed = functional.scaled_dot_product_attention(_turn(qkv[0], cos, sin), _turn(qkv[1], cos, sin), qkv[2])
    x = x + block.attn.proj(mixed.transpose(1, 2).reshape(batch, length, width))
    return x + _mlp(block.mlp, _norm(block.norm2, x))


Layer = Callable[[Any, Tensor, Tensor, Tensor], Tensor]


def see(model: Any, images: Tensor, block_pass: Layer = vision_block) -> Tensor:
    """Picture tokens ``[B, NUM_IMAGE_TOKENS, hidden]`` of ``uint8 [B, H, W, 3]``."""
    visual = model.model.visual
    weight = visual.patch_embed.proj.weight.sum(2).flatten(1)  # both frames of a still image are the same
    x = functional.linear(patchify(images).to(weight.dtype), weight).float()
    cos, sin = _vision_rotation(images.device)
    for block in visual.blocks:
        x = block_pass(block, x, cos, sin)
    merged = _norm(visual.merger.ln_q, x).reshape(x.shape[0], NUM_IMAGE_TOKENS, -1)
    return visual.merger.mlp(merged)  # type: ignore[no-any-return]


def text_layer(layer: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """One causal layer of the language model over ``x [B, L, hidden]``."""
    batch, length, _ = x.shape
    part = layer.self_attn
    normed = _norm(layer.input_layernorm, x)
    query, key, value = (
        project(normed).view(batch, length, -1, cos.shape[-1]).transpose(1, 2)
        for project in (part.q_proj, part.k_proj, part.v_proj)
    )
    groups = TEXT_SIZE["num_attention_heads"] // TEXT_SIZE["num_key_value_heads"]
    key, value = (_turn(key, cos, sin).repeat_interleave(groups, 1), value.repeat_interleave(groups, 1))
    mixed = functional.scaled_dot_product_attention(_turn(query, cos, sin), key, value, is_causal=True)
    x = x + part.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))
    return x + _mlp(layer.mlp, _norm(layer.post_attention_layernorm, x))


def read(model: Any, seen: Tensor, ids: Tensor, layer_pass: Layer = text_layer) -> Tensor:
    """Final hidden states ``[B, L, hidden]`` of right-padded ``ids [B, L]`` whose picture tokens are ``seen``."""
    text = model.model.language_model
    x = text.embed_tokens(ids)
    end = IMAGE_AT + NUM_IMAGE_TOKENS
    x = torch.cat([x[:, :IMAGE_AT], seen.to(x.dtype), x[:, end:]], dim=1)
    cos, sin = (table[: ids.shape[1]] for table in _text_rotation(ids.device))
    for layer in text.layers:
        x = layer_pass(layer, x, cos, sin)
    return _norm(text.norm, x)


def token_logits(
    model: Any, seen: Tensor, ids: Tensor, first: Tensor, count: int, layer_pass: Layer = text_layer
) -> Tensor:
    """Logits ``[B, count, vocabulary]`` of the ``count`` tokens that start at column ``first [B]`` of ``ids``."""
    hidden = read(model, seen, ids, layer_pass)
    columns = first[:, None] - 1 + torch.arange(count, device=ids.device)
    columns = columns.clamp(max=ids.shape[1] - 1)
    picked = hidden.gather(1, columns[..., None].expand(-1, -1, hidden.shape[-1]))
    return model.lm_head(picked).float()  # type: ignore[no-any-return]
