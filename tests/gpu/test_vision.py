"""The batched vision path is the stock path, only faster."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from gpu.loading import load_model
from gpu.vision import speed_up_vision

hub: Any = transformers
SAME = [(8, 8)] * 5
MIXED = [(8, 8), (6, 8), (8, 8), (4, 4), (8, 8)]
VISION: dict[str, Any] = {"depth": 2, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2}
TEXT: dict[str, Any] = {
    "vocab_size": 300, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 1, "tie_word_embeddings": True,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [4, 6, 6]},
}  # fmt: skip
IDS = {"image_token_id": 290, "video_token_id": 291, "vision_start_token_id": 292, "vision_end_token_id": 293}


def qwen2() -> Any:
    vision = VISION | {"embed_dim": 32, "hidden_size": 64, "num_heads": 2, "mlp_ratio": 2}
    return hub.Qwen2VLForConditionalGeneration(hub.Qwen2VLConfig(text_config=TEXT, vision_config=vision, **IDS))


def qwen3() -> Any:
    vision = VISION | {"hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 64}
    vision |= {"deepstack_visual_indexes": [0], "num_position_embeddings": 64}
    text = TEXT | {"head_dim": 32, "rope_parameters": TEXT["rope_parameters"] | {"mrope_interleaved": True}}
    return hub.Qwen3VLForConditionalGeneration(hub.Qwen3VLConfig(text_config=text, vision_config=vision, **IDS))


def make_inputs(model: Any, grids: list[tuple[int, int]]) -> dict[str, torch.Tensor]:
    """Left-padded rows of unequal length, each with one picture."""
    torch.manual_seed(0)
    image, width, rows = model.config.image_token_id, 40, []
    for i, (h, w) in enumerate(grids):
        picture = [image] * (h * w // 4)
        rows.append([25, 26, *picture, *range(30, 34 + i)])
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows])
    lengths = torch.tensor([len(row) for row in rows])
    thw = torch.tensor([(1, h, w) for h, w in grids])
    return {
        "input_ids": ids,
        "attention_mask": (torch.arange(width) >= width - lengths[:, None]).long(),
        "mm_token_type_ids": (ids == image).int(),
        "pixel_values": torch.randn(int(thw.prod(1).sum()), 3 * 2 * 14 * 14),
        "image_grid_thw": thw,
    }


@pytest.mark.parametrize("grids", [SAME, MIXED], ids=["one size", "mixed sizes"])
@pytest.mark.parametrize("kind", ["qwen2", "qwen2.5", "qwen3"])
def test_logits_and_gradients_are_those_of_the_stock_path(checkpoint: Path, kind: str, grids: Any) -> None:
    torch.manual_seed(1)
    model = {"qwen2": qwen2, "qwen3": qwen3}.get(kind, lambda: load_model(checkpoint, "cpu", "float32"))()
    inputs = make_inputs(model.train(), grids)
    results = []
    for candidate in (model, speed_up_vision(model)):
        model.zero_grad()
        logits = candidate(**inputs).logits
        logits.square().mean().backward()
        gradient = model.model.visual.blocks[0].attn.qkv.weight.grad.clone()
        results.append((logits.detach(), gradient))
    (stock, stock_gradient), (fast, fast_gradient) = results
    real = inputs["attention_mask"].bool()
    assert torch.allclose(stock[real], fast[real], atol=1e-5)
    assert torch.allclose(stock_gradient, fast_gradient, atol=1e-5)


def test_pictures_of_one_size_take_one_attention_call_a_layer(checkpoint: Path, monkeypatch: Any) -> None:
    model = speed_up_vision(load_model(checkpoint, "cpu", "float32"))
    calls, stock = [], torch.nn.functional.scaled_dot_product_attention

    def counted(*args: Any, **kwargs: Any) -> torch.Tensor:
        calls.append(args)
        return stock(*args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", counted)
    inputs = make_inputs(model, SAME)
    model.model.visual(inputs["pixel_values"], grid_thw=inputs["image_grid_thw"])
    assert len(calls) == 2


@pytest.mark.parametrize("grid", [(8, 8), (6, 10), (12, 16)])
def test_positions_are_those_of_the_stock_function(checkpoint: Path, grid: tuple[int, int]) -> None:
    model = load_model(checkpoint, "cpu", "float32")
    image = model.config.image_token_id
    size = grid[0] * grid[1] // 4
    row = [21, 22, *[image] * size, 23, *[image] * size, 24, 25]
    ids = torch.tensor([row, [0] * (size + 2) + [27] + [image] * size + [28, 29]])
    kinds: dict[str, Any] = {
        "mm_token_type_ids": (ids == image).int(),
        "attention_mask": (ids != 0).long(),
        "image_grid_thw": torch.tensor([(1, *grid)] * 3),
    }
    positions, deltas = model.model.get_rope_index(ids, **kinds)
    fast_positions, fast_deltas = speed_up_vision(model).model.get_rope_index(ids, **kinds)
    assert torch.equal(positions, fast_positions)
    assert torch.equal(deltas, fast_deltas)
