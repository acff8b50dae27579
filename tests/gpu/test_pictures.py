"""Remembered pictures give the very patches of the stock processor."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

import gpu.pictures
from gpu.loading import load_processor
from gpu.pictures import CachingImageProcessor


def make_pictures() -> list[Image.Image]:
    random = np.random.default_rng(0)
    sizes = [(84, 84), (112, 84), (200, 150), (84, 84)]
    return [Image.fromarray(random.integers(0, 255, (h, w, 3), dtype=np.uint8)) for w, h in sizes]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 3, 0, 1, 0]])
def test_patches_are_those_of_the_stock_processor_first_and_again(checkpoint: Path, order: list[int]) -> None:
    pictures = make_pictures()
    caching, stock = load_processor(checkpoint).image_processor, Qwen2VLImageProcessorPil.from_pretrained(checkpoint)
    wanted = stock([pictures[i] for i in order], return_tensors="pt")
    for _ in range(2):
        got = caching([[pictures[i]] for i in order], return_tensors="pt")
        assert torch.equal(got["pixel_values"], wanted["pixel_values"])
        assert torch.equal(got["image_grid_thw"], wanted["image_grid_thw"])


def test_a_picture_seen_before_is_not_worked_on_again(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caching = CachingImageProcessor.from_pretrained(checkpoint)
    caching(make_pictures())
    monkeypatch.setattr(Qwen2VLImageProcessorPil, "preprocess", None)
    caching([picture.copy() for picture in make_pictures()])


def test_the_memory_has_an_end(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu.pictures, "CACHE_BYTES", 400_000)
    caching = CachingImageProcessor.from_pretrained(checkpoint)
    caching(make_pictures())
    assert caching._bytes <= 400_000
    assert caching._bytes == sum(patches.nbytes for patches, _ in caching._known.values())


@pytest.mark.parametrize("max_pixels", [0, 3136])
def test_a_sized_picture_gives_the_very_patches_of_the_picture_itself(checkpoint: Path, max_pixels: int) -> None:
    images = load_processor(checkpoint, max_pixels).image_processor
    for picture in make_pictures():
        wanted, sized = images([picture], return_tensors="pt"), images.sized(picture)
        height, width = (wanted["image_grid_thw"][0, 1:] * images.patch_size).tolist()
        assert sized.size == (width, height)
        got = Qwen2VLImageProcessorPil(do_resize=False)([sized], return_tensors="pt")
        assert torch.equal(got["pixel_values"], wanted["pixel_values"])
