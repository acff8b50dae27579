"""What loading promises: the right dtype, and a named error for every folder that is no good."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from core.domain.prompts import question_messages
from core.specs import Places, Spec
from gpu.errors import GpuFault
from gpu.loading import load_model, load_processor, prepare_torch, vision_token_ids


def prompt_text(processor: Any) -> str:
    return str(processor.apply_chat_template(question_messages("What colour?"), add_generation_prompt=True))


def test_weights_stored_as_bf16_are_held_as_the_asked_dtype(checkpoint: Path) -> None:
    assert load_model(checkpoint, "cpu", "float32").dtype == torch.float32
    assert load_model(checkpoint, "cpu", "bfloat16").dtype == torch.bfloat16


def test_a_picture_becomes_one_placeholder_per_merged_patch(checkpoint: Path) -> None:
    processor = load_processor(checkpoint)
    text = prompt_text(processor)
    inputs = processor(text=[text], images=[Image.new("RGB", (112, 84))], return_tensors="pt")
    assert inputs["image_grid_thw"].tolist() == [[1, 6, 8]]
    assert (inputs["input_ids"] == processor.image_token_id).sum() == 12
    assert (inputs["mm_token_type_ids"] == 1).sum() == 12


def test_the_model_reads_what_the_processor_writes(checkpoint: Path) -> None:
    processor, model = (
        load_processor(checkpoint),
        load_model(checkpoint, "cpu", "float32"),
    )
    text = prompt_text(processor)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (84, 84, 3), dtype=np.uint8))
    inputs = processor(text=[text], images=[picture], return_tensors="pt")
    with torch.no_grad():
        assert torch.isfinite(model(**inputs).logits).all()


def test_every_vision_token_is_named(checkpoint: Path) -> None:
    tokenizer, model = (
        load_processor(checkpoint).tokenizer,
        load_model(checkpoint, "cpu", "float32"),
    )
    names = tokenizer.convert_ids_to_tokens(vision_token_ids(model, tokenizer))
    assert set(names) == {
        "<|image_pad|>",
        "<|video_pad|>",
        "<|vision_start|>",
        "<|vision_end|>",
        "<|vision_pad|>",
    }
    assert len(vision_token_ids(model)) == 4


def test_a_missing_folder_is_a_bad_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(GpuFault, match=r"bad_checkpoint.*no config.json"):
        load_processor(tmp_path / "nowhere")


def test_another_kind_of_model_is_a_bad_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    with pytest.raises(GpuFault, match="holds a gpt2 model"):
        load_model(tmp_path, "cpu", "float32")


@pytest.mark.parametrize("damage", ["torn", "absent"])
def test_a_damaged_weights_file_is_a_bad_checkpoint_in_one_line(checkpoint: Path, tmp_path: Path, damage: str) -> None:
    folder = Path(shutil.copytree(checkpoint, tmp_path / "copy"))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000]) if damage == "torn" else weights.unlink()
    with pytest.raises(GpuFault, match="bad_checkpoint") as caught:
        load_model(folder, "cpu", "float32")
    assert "\n" not in caught.value.message


def test_weights_that_are_not_in_the_file_are_not_made_up(checkpoint: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(checkpoint, tmp_path / "copy"))
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] = 3
    config["text_config"]["layer_types"] = ["full_attention"] * 3
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(GpuFault, match=r"lacks .* weights"):
        load_model(folder, "cpu", "float32")


def test_a_limit_on_pixels_makes_larger_pictures_smaller_and_never_larger(checkpoint: Path) -> None:
    picture = Image.new("RGB", (112, 112))

    def num_patches(max_pixels: int) -> int:
        images = load_processor(checkpoint, max_pixels).image_processor
        return len(images(images=[picture], return_tensors="pt")["pixel_values"])

    assert num_patches(56 * 56) < num_patches(0) == num_patches(10**6)


def test_each_rank_loads_onto_its_own_gpu(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = Spec(checkpoint_hash="c", seed=1, device="cuda", places=Places(checkpoint=checkpoint))
    taken: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    monkeypatch.setenv("LOCAL_RANK", "3")
    prepare_torch(spec)
    monkeypatch.delenv("LOCAL_RANK")
    prepare_torch(spec)
    assert taken == [3, 0]
