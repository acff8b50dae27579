"""The one command that serves a checkpoint by vLLM, with the limits that its own files say."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # what vLLM takes as --max-lora-rank
TEXT_TOKENS = 2048  # for the question, its options and the chat template


def image_tokens(processor: Mapping[str, Any]) -> int | None:
    """The most tokens that one picture can take, from ``preprocessor_config.json``; None when it does not say."""
    size = processor.get("size") or {}
    pixels = processor.get("max_pixels") or size.get("longest_edge") or size.get("max_pixels")
    side = int(processor.get("patch_size") or 14) * int(processor.get("merge_size") or 2)
    return int(pixels) // side**2 if pixels else None


def model_length(
    config: Mapping[str, Any], processor: Mapping[str, Any], *, images: int, max_new_tokens: int
) -> int | None:
    """Room for ``images`` of the largest size, the text and the answer, within what the model can hold."""
    text = config.get("text_config") or config
    limit = text.get("max_position_embeddings") or config.get("max_position_embeddings")
    most = image_tokens(processor)
    if most is None:
        return int(limit) if limit else None
    wanted = images * most + TEXT_TOKENS + max_new_tokens
    return min(int(limit), wanted) if limit else wanted


def serve_line(path: str, name: str, *, max_model_len: int | None, images: int, dtype: str = "") -> str:
    """``vllm serve`` for a full checkpoint; answers come from the model called ``name``."""
    words = ["vllm", "serve", path, "--served-model-name", name]
    words += ["--max-model-len", str(max_model_len)] if max_model_len else []
    words += ["--limit-mm-per-prompt", json.dumps({"image": images})]
    words += ["--dtype", dtype] if dtype else []
    return shlex.join(words)


def adapter_line(parent_line: str, name: str, path: str, rank: int) -> str:
    """The same for a parent with adapters that are not merged into it."""
    room = next((size for size in LORA_RANKS if size >= rank), rank)
    lora = ["--enable-lora", "--max-lora-rank", str(room), "--lora-modules", f"{name}={path}"]
    return f"{parent_line} {shlex.join(lora)}"
