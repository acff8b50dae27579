"""Random-init models in the shapes of real ones, as checkpoint folders with the mini model's tokenizer.

Weights are random: what such a model answers means nothing, what it costs is what the real one costs.
"""

import gc
import json
import shutil
from pathlib import Path
from typing import Any

import torch
import transformers

from bench.runs import MINI
from core.specs import Device

hub: Any = transformers  # its annotations do not survive mypy --strict
Shape = dict[str, Any]
QWEN25_VISION: Shape = {
    "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 3584,
    "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 112,
    "fullatt_block_indexes": [7, 15, 23, 31],
}  # fmt: skip
QWEN3_VISION: Shape = {
    "depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "num_heads": 16, "out_hidden_size": 4096,
    "patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2, "num_position_embeddings": 2304,
    "deepstack_visual_indexes": [8, 16, 24],
}  # fmt: skip
SHAPES: dict[str, tuple[Shape, Shape]] = {
    "qwen2.5-vl-7b": (
        {
            "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
            "num_key_value_heads": 4, "vocab_size": 152064,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
        },
        QWEN25_VISION,
    ),
    "qwen3-vl-8b": (
        {
            "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36, "num_attention_heads": 32,
            "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936,
            "rope_parameters": {
                "rope_type": "default", "rope_theta": 5e6, "mrope_section": [24, 20, 20], "mrope_interleaved": True,
            },
        },
        QWEN3_VISION,
    ),
    "1b": (
        {
            "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 20, "num_attention_heads": 16,
            "num_key_value_heads": 4, "vocab_size": 32768,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
        },
        QWEN25_VISION | {"depth": 12, "hidden_size": 768, "intermediate_size": 2048, "num_heads": 12,
                         "out_hidden_size": 2048, "fullatt_block_indexes": [3, 7, 11]},
    ),
}  # fmt: skip
TINY_TEXT: Shape = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 32, "vocab_size": 640,
}  # fmt: skip
TINY_VISION: Shape = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 64}


def shape_of(name: str, *, is_tiny: bool) -> tuple[Shape, Shape]:
    """Text and vision sizes; tiny ones keep only what makes the two families differ."""
    text, vision = SHAPES[name]
    if not is_tiny:
        return text, vision
    rope = text["rope_parameters"] | {"mrope_section": [4, 6, 6]}
    last = {"fullatt_block_indexes": [1]} if "fullatt_block_indexes" in vision else {"deepstack_visual_indexes": [0]}
    return text | TINY_TEXT | {"rope_parameters": rope}, vision | TINY_VISION | last


def build_model(name: str, device: Device, *, is_tiny: bool) -> Any:
    """The model with random weights in bf16 on ``device``, its special ids those of the mini model's tokenizer."""
    text, vision = shape_of(name, is_tiny=is_tiny)
    mini = json.loads((MINI / "config.json").read_text(encoding="utf-8"))
    ids = {key: value for key, value in mini.items() if key.endswith("_token_id")}
    ends = {key: ids[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")}
    family = "Qwen3VL" if name.startswith("qwen3") else "Qwen2_5_VL"
    config = getattr(hub, f"{family}Config")(text_config=text | ends, vision_config=vision, **ids)
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            model = getattr(hub, f"{family}ForConditionalGeneration")(config)
    finally:
        torch.set_default_dtype(torch.float32)
    model.generation_config.eos_token_id, model.generation_config.pad_token_id = ends["eos_token_id"], 0
    return model


def write_shape(folder: Path, name: str, device: Device, *, is_tiny: bool = False) -> Path:
    """The checkpoint folder, its pictures cut into the patches that the shape wants."""
    build_model(name, device, is_tiny=is_tiny).save_pretrained(folder)
    for path in MINI.iterdir():
        if path.name.startswith(("tokenizer", "chat_template")):
            shutil.copyfile(path, folder / path.name)
    pictures = json.loads((MINI / "preprocessor_config.json").read_text(encoding="utf-8"))
    pictures |= {"patch_size": SHAPES[name][1]["patch_size"], "size": {"shortest_edge": 784, "longest_edge": 4 << 20}}
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    gc.collect()
    if device == "cuda":  # the children that are measured need the memory
        torch.cuda.empty_cache()
    return folder
