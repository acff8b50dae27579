"""The mini model: a real Qwen2.5-VL, small enough for a repository, and the folder that it travels in."""

import json
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from core.domain.files import write_atomic
from demo.make_model.vocabulary import END, IMAGE, PAD, VIDEO, VISION_END, VISION_START
from demo.world.drawing import PIXELS

PATCH, MERGE = 14, 2
GRID = PIXELS // PATCH
NUM_IMAGE_TOKENS = (GRID // MERGE) ** 2
MEAN = STD = 0.5
TEXT_SIZE: dict[str, Any] = {
    "hidden_size": 256,
    "intermediate_size": 640,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "max_position_embeddings": 1024,
    "rms_norm_eps": 1e-6,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 6, 6]},
}
VISION_SIZE: dict[str, Any] = {
    "depth": 4,
    "hidden_size": 192,
    "intermediate_size": 512,
    "num_heads": 6,
    "out_hidden_size": 256,
    "patch_size": PATCH,
    "spatial_merge_size": MERGE,
    "temporal_patch_size": 2,
    "window_size": 112,
    "fullatt_block_indexes": [0, 1, 2, 3],
}


def build_config(tokenizer: PreTrainedTokenizerFast) -> Qwen2_5_VLConfig:
    """The configuration for this tokenizer's ids; the vocabulary is rounded up to a multiple of 64."""
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in (PAD, END, IMAGE, VIDEO, VISION_START, VISION_END)}
    text = {
        **TEXT_SIZE,
        "vocab_size": -(-len(tokenizer) // 64) * 64,
        "bos_token_id": ids[PAD],
        "eos_token_id": ids[END],
        "pad_token_id": ids[PAD],
    }
    return Qwen2_5_VLConfig(
        text_config=text,
        vision_config=VISION_SIZE,
        image_token_id=ids[IMAGE],
        video_token_id=ids[VIDEO],
        vision_start_token_id=ids[VISION_START],
        vision_end_token_id=ids[VISION_END],
        tie_word_embeddings=True,
        bos_token_id=ids[PAD],
        eos_token_id=ids[END],
        pad_token_id=ids[PAD],
    )


def new_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> Any:
    """An untrained model with transformers' own initial weights, fp32."""
    torch.manual_seed(seed)
    return Qwen2_5_VLForConditionalGeneration(build_config(tokenizer))


def _preprocessor() -> dict[str, Any]:
    return {
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2_5_VLProcessor",
        "patch_size": PATCH,
        "temporal_patch_size": 2,
        "merge_size": MERGE,
        "size": {"shortest_edge": (PATCH * MERGE) ** 2, "longest_edge": PIXELS * PIXELS},
        "image_mean": [MEAN] * 3,
        "image_std": [STD] * 3,
        "do_convert_rgb": True,
    }


def save_folder(model: Any, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write a complete Hugging Face folder: bf16 weights, tokenizer, chat template, processor and generation config."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().to("cpu", torch.bfloat16) for name, value in model.state_dict().items()}
    copy = Qwen2_5_VLForConditionalGeneration(model.config).to(torch.bfloat16)
    copy.load_state_dict(weights)
    copy.generation_config.update(do_sample=False, max_new_tokens=16)
    copy.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_atomic(folder / "preprocessor_config.json", json.dumps(_preprocessor(), indent=2) + "\n")
    for path in folder.iterdir():
        path.chmod(0o644)
