"""Whether the model makes as many features of a picture as the prompt has places for."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from core.check_specs import CheckLine
from gpu.checks.data import Length
from gpu.checks.lines import line


@torch.no_grad()
def features_line(model: Any, processor: Any, prompts: dict[str, Tensor], lengths: Sequence[Length]) -> CheckLine:
    """Places in the prompts against the vision tower's features, and against what was counted for all samples."""
    places = int((prompts["input_ids"] == processor.image_token_id).sum())
    features = 0 if "pixel_values" not in prompts else count_features(model, prompts)
    counted = sum(length.pictures for length in lengths)
    totals = [length.total for length in lengths]
    is_right = places == features == counted and prompts["attention_mask"].sum(1).tolist() == totals
    return line(
        "image tokens",
        f"{places} places for pictures in {len(lengths)} prompts, {features} features from the vision tower, {counted} "
        "counted from the pictures' sizes.",
        fails=not is_right,
        change="The checkpoint's processor and model do not fit: compare patch_size, merge_size and the chat template "
        "of its files with those of the original model.",
    )


def count_features(model: Any, prompts: dict[str, Tensor]) -> int:
    """Vectors that the vision tower gives for the batch's pictures."""
    output = model.model.get_image_features(prompts["pixel_values"], prompts["image_grid_thw"])
    parts = getattr(output, "pooler_output", output)
    parts = parts if isinstance(parts, (list, tuple)) else [parts]
    return sum(len(part) for part in parts)
