"""Pictures are turned into patches once: the same picture again costs a look-up."""

import hashlib
import io
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from transformers.feature_extraction_utils import BatchFeature
from transformers.image_utils import make_flat_list_of_images
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

from gpu.errors import GpuFault, one_line

CACHE_BYTES = 256 << 20
Patches = tuple[torch.Tensor, list[int]]


def read_picture(data: bytes, name: str) -> Image.Image:
    """The picture in RGB, turned as its EXIF says; ``bad_input`` that names it when it cannot be read."""
    with opened(data, name) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def picture_size(data: bytes, name: str) -> tuple[int, int]:
    """Width and height as the file's head says them, before any turning; ``bad_input`` when it cannot be read."""
    with opened(data, name) as picture:
        return picture.size


@contextmanager
def opened(data: bytes, name: str) -> Iterator[Image.Image]:
    """The picture's file; whatever is wrong with it is ``bad_input`` that names it."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            yield picture
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise GpuFault("bad_input", f"The picture {name} cannot be read: {one_line(error)}") from error


def content_key(picture: Image.Image) -> tuple[str, tuple[int, int], bytes]:
    """What makes a picture the same one: its mode, its size and the hash of its pixels."""
    return picture.mode, picture.size, hashlib.blake2b(picture.tobytes(), digest_size=16).digest()


class CachingImageProcessor(Qwen2VLImageProcessorPil):
    """The PIL image processor of the Qwen-VL family with a memory of at most ``CACHE_BYTES`` of patches.

    GRPO asks for the same picture many times: for every completion, in every pass over the data.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._known: OrderedDict[object, Patches] = OrderedDict()
        self._bytes = 0

    def preprocess(self, images: Any, **kwargs: Any) -> BatchFeature:
        """``pixel_values`` (patches of all pictures, values) and ``image_grid_thw`` (pictures, 3), as tensors."""
        flat: Any = make_flat_list_of_images(images)
        found = [self._patches(picture, kwargs) for picture in flat]
        grids = torch.tensor([grid for _, grid in found])
        return BatchFeature({"pixel_values": torch.cat([patches for patches, _ in found]), "image_grid_thw": grids})

    def _patches(self, picture: Any, kwargs: dict[str, Any]) -> Patches:
        key = (content_key(picture), repr(sorted(kwargs.items())))
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        made = super().preprocess([picture], **{**kwargs, "return_tensors": "pt"})
        self._remember(key, (made["pixel_values"], made["image_grid_thw"][0].tolist()))
        return self._known[key]

    def _remember(self, key: object, patches: Patches) -> None:
        self._known[key] = patches
        self._bytes += patches[0].nbytes
        while self._bytes > CACHE_BYTES and len(self._known) > 1:
            _, (oldest, _) = self._known.popitem(last=False)
            self._bytes -= oldest.nbytes

    def sized(self, picture: Image.Image) -> Image.Image:
        """The picture at the size at which the model sees it.

        Another engine has nothing left to make smaller, by its own limits or by a filter that rounds otherwise.
        """
        least, most = self.size["shortest_edge"], self.size["longest_edge"]
        height, width = smart_resize(picture.height, picture.width, self.patch_size * self.merge_size, least, most)
        return picture.resize((width, height), Image.Resampling(self.resample))

    def to_dict(self) -> dict[str, Any]:
        """The configuration, without the memory."""
        return {k: v for k, v in super().to_dict().items() if k not in ("_known", "_bytes")}
