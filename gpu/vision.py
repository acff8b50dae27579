"""Batches of pictures of one size through the vision tower at once.

Stock attention loops over the pictures in Python, and so do the functions that lay out positions and windows.
For pictures of one size all of that is the same for each, so it is worked out for one, kept, and repeated.
Where sizes differ, everything falls back to the stock path. Numerically the two agree (tests/gpu/test_vision.py).
"""

import sys
from collections.abc import Callable
from functools import lru_cache
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.vision_utils import get_vision_position_ids, get_vision_window_index

Grid = tuple[int, int, int]


def one_grid(grids: Tensor | None) -> Grid | None:
    """The (frames, rows, columns) that all pictures share, or None when they differ or move."""
    if grids is None or len(grids) == 0:
        return None
    first = grids[0].tolist()
    same = first[0] == 1 and bool((grids == grids[0]).all())
    return (first[0], first[1], first[2]) if same else None


def core_of(model: Any) -> Any:
    """The Qwen-VL model inside its wrappers (several GPUs, adapters): it knows positions and pictures."""
    while isinstance(getattr(model, "module", None), nn.Module):
        model = model.module
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def speed_up_vision(model: Any) -> Any:
    """Give a Qwen-VL model the batched paths, in place, and return it."""
    visual = model.model.visual
    for module in visual.modules():
        if hasattr(module, "qkv") and hasattr(module, "num_heads"):
            module.forward = MethodType(_batched_attention(module.forward), module)
    visual.patch_embed.forward = MethodType(_linear_patches, visual.patch_embed)
    visual.forward = _laid_out_once(visual, visual.forward)
    model.model.get_rope_index = _vectorised_positions(model.config, model.model.get_rope_index)
    return model


def _batched_attention(stock: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Attention over all segments in one call when they are equally long."""

    def forward(module: Any, hidden_states: Tensor, cu_seqlens: Tensor, **kwargs: Any) -> Tensor:
        lengths = cu_seqlens.diff()
        if module.config._attn_implementation != "sdpa" or not bool((lengths == lengths[0]).all()):
            return stock(hidden_states, cu_seqlens=cu_seqlens, **kwargs)
        heads = (len(lengths), int(lengths[0]), module.num_heads, -1)
        query, key, value = module.qkv(hidden_states).reshape(len(hidden_states), 3, module.num_heads, -1).unbind(1)
        rotate = sys.modules[type(module).__module__].apply_rotary_pos_emb_vision
        query, key = rotate(query, key, *kwargs["position_embeddings"])
        query, key, value = (part.reshape(heads).transpose(1, 2) for part in (query, key, value))
        mixed = functional.scaled_dot_product_attention(query, key, value, scale=module.scaling)
        return module.proj(mixed.transpose(1, 2).reshape(len(hidden_states), -1))  # type: ignore[no-any-return]

    return forward


def _linear_patches(module: Any, hidden_states: Tensor) -> Tensor:
    """The patch embedding as the matrix product that it is: stride equals kernel (on CPU 5x faster than Conv3d)."""
    weight = module.proj.weight.flatten(1)
    return functional.linear(hidden_states.to(weight.dtype), weight, module.proj.bias)


def _laid_out_once(visual: Any, stock: Callable[..., Any]) -> Callable[..., Any]:
    """The tower's forward, with its index tensors taken from a cache when all pictures have one size."""

    @lru_cache(maxsize=64)
    def layout(grid: Grid, count: int, device: torch.device) -> dict[str, Tensor]:
        return _layout(visual, torch.tensor([grid], device=device), count)

    def forward(hidden_states: Tensor, grid_thw: Tensor, **kwargs: Any) -> Any:
        grid = one_grid(grid_thw)
        known = layout(grid, len(grid_thw), grid_thw.device) if grid else {}
        return stock(hidden_states, grid_thw=grid_thw, **{**known, **kwargs})

    return forward


def _layout(visual: Any, grid: Tensor, count: int) -> dict[str, Tensor]:
    """What the tower derives from ``count`` pictures of one ``grid``, from what it derives for one of them."""
    merge = visual.spatial_merge_size
    patches = int(grid.prod())
    known = {"position_ids": get_vision_position_ids(grid, merge).repeat(count, 1)}
    known["cu_seqlens"] = torch.arange(0, (count + 1) * patches, patches, device=grid.device, dtype=torch.int32)
    if hasattr(visual, "window_size"):
        index, bounds = get_vision_window_index(grid, merge, visual.window_size, visual.patch_size)
        starts = torch.arange(count, device=index.device)[:, None] * (patches // merge**2)
        known["window_index"] = (index[None] + starts).flatten()
        lengths = bounds.diff().repeat(count).cumsum(0, dtype=torch.int32)
        known["cu_window_seqlens"] = functional.pad(lengths, (1, 0))
    return known


def _vectorised_positions(config: Any, stock: Callable[..., tuple[Tensor, Tensor]]) -> Callable[..., Any]:
    """``get_rope_index`` without a loop over rows, for still pictures of one size."""
    merge = config.vision_config.spatial_merge_size

    def get_rope_index(
        input_ids: Tensor, mm_token_type_ids: Tensor, image_grid_thw: Tensor | None = None, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        grid = one_grid(image_grid_thw) if kwargs.get("video_grid_thw") is None else None
        if grid is None:
            return stock(input_ids, mm_token_type_ids=mm_token_type_ids, image_grid_thw=image_grid_thw, **kwargs)
        mask = kwargs.get("attention_mask")
        valid = torch.ones_like(input_ids, dtype=torch.bool) if mask is None else mask.bool()
        return rope_positions(mm_token_type_ids, valid, (grid[1] // merge, grid[2] // merge))

    return get_rope_index


def rope_positions(token_types: Tensor, valid: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Qwen-VL's three-axis positions for rows of text (0) and picture (1) tokens, every picture ``grid`` tokens.

    ``token_types`` and ``valid`` are (rows, length). Returns positions (3, rows, length), 0 where not valid,
    and per row (rows, 1) by how much the next position differs from the row's number of valid tokens.
    """
    rows, columns = grid
    size, extent = rows * columns, max(grid)
    is_image = (token_types == 1) & valid
    text, image = (valid & ~is_image).cumsum(1), is_image.cumsum(1)
    number, place = (image - 1).clamp(min=0) // size, (image - 1).clamp(min=0) % size
    start = text + number * extent
    on_axes = torch.stack([start, start + place // columns, start + place % columns])
    in_text = text - 1 + (image // size) * extent
    positions = torch.where(is_image, on_axes, in_text).masked_fill(~valid, 0)
    ends = positions.amax(dim=(0, 2)) + 1
    return positions, (ends - valid.sum(1)).unsqueeze(1)
