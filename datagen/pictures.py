"""Pictures as pixels: whether they may be candidates, and edits that need no model."""

import io
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from core.campaign_settings import ImageSettings
from core.media import Picture, media_path, picture_check
from datagen.domain.images import DRAWN_TYPES, EditStep, Gates, sharpness, size_fault

MAX_SIDE: Final = 2048  # pixels: beyond it a picture is made smaller before it is measured or edited


def gates_of(settings: ImageSettings, image_type: str) -> Gates:
    """What a picture of this type must measure in this campaign."""
    is_drawn = image_type in DRAWN_TYPES
    return Gates(
        min_side=settings.min_side,
        min_bytes=settings.drawing_min_bytes if is_drawn else settings.min_bytes,
        max_bytes=settings.max_bytes,
        min_sharpness=settings.drawing_min_sharpness if is_drawn else settings.min_sharpness,
    )


def picture_fault(sha256: str, gates: Gates) -> str:
    """Why a stored picture is no candidate; empty when it may be one. The pixels are read last."""
    path = media_path(sha256)
    with Image.open(path) as image:
        fault = size_fault(gates, image.width, image.height, path.stat().st_size)
        if fault or not gates.min_sharpness:
            return fault
        image.draft("L", (MAX_SIDE, MAX_SIDE))
        gray = image.convert("L")
    gray.thumbnail((MAX_SIDE, MAX_SIDE))
    return "blurred" if sharpness(np.asarray(gray, dtype=np.float32)) < gates.min_sharpness else ""


def edits_make(sha256: str, steps: Sequence[EditStep]) -> list[Picture]:
    """The picture after the first step, after the first two, and so on; a JPEG stays one, all else becomes PNG."""
    with Image.open(media_path(sha256)) as image:
        kind = "JPEG" if image.format == "JPEG" else "PNG"
        now = ImageOps.exif_transpose(image).convert("RGB")
    now.thumbnail((MAX_SIDE, MAX_SIDE))
    made = []
    for step in steps:
        now = STEPS[step.name](now, step)
        buffer = io.BytesIO()
        now.save(buffer, kind, quality=95)
        made.append(picture_check(buffer.getvalue()))
    return made


def crop(image: Image.Image, step: EditStep) -> Image.Image:
    """The part inside the step's box."""
    left, top, right, bottom = step.box
    wide, high = image.size
    box = (round(left * wide), round(top * high), round(right * wide), round(bottom * high))
    return image.crop((box[0], box[1], max(box[2], box[0] + 1), max(box[3], box[1] + 1)))


def rotate(image: Image.Image, step: EditStep) -> Image.Image:
    """Turned against the clock, the corners white."""
    return image.rotate(step.amount, Image.Resampling.BICUBIC, expand=True, fillcolor="white")


def resize(image: Image.Image, step: EditStep) -> Image.Image:
    """Larger or smaller by a factor, at most MAX_SIDE pixels a side."""
    factor = min(step.amount, MAX_SIDE / max(image.size))
    wide, high = (max(1, round(factor * side)) for side in image.size)
    return image.resize((wide, high), Image.Resampling.LANCZOS)


STEPS: Final[dict[str, Callable[[Image.Image, EditStep], Image.Image]]] = {
    "crop": crop,
    "rotate": rotate,
    "resize": resize,
    "grayscale": lambda image, step: ImageOps.grayscale(image).convert("RGB"),
    "contrast": lambda image, step: ImageEnhance.Contrast(image).enhance(step.amount),
    "brightness": lambda image, step: ImageEnhance.Brightness(image).enhance(step.amount),
}
