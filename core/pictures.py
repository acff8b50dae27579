"""What a picture is: decoded whole, of a kind and size that we take, or refused by name. Safe in threads."""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from core.domain.files import hash_bytes
from core.errors import InvalidInput

MIMES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
}
MAX_BYTES = 32 << 20
MAX_PIXELS = 64_000_000
THUMBNAIL_PX = 160
NEEDED = "not a whole PNG, JPEG, WebP, GIF or BMP picture"
OTHER_KINDS = (
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML or SVG file"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"%pdf", "a PDF file"),
    (b"ii*\0", "a TIFF picture"),
    (b"mm\0*", "a TIFF picture"),
    (b"\0\0\1\0", "an icon"),
    (b"pk\3\4", "a zip archive"),
)
# What Pillow raises on bytes that are no picture, or not all of one.
DAMAGED = (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, OverflowError, EOFError)
DAMAGED_INSIDE = (*DAMAGED, struct.error, zlib.error, MemoryError, ArithmeticError)

# Pillow warns above 89 megapixels; our own limit is lower and is an error.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class BadPicture(InvalidInput):
    """Bytes that are no picture for us; ``kind`` is over_large_picture, wrong_type or broken_picture."""

    def __init__(self, message: str, *, field: str, kind: str) -> None:
        super().__init__(f"{field}: {message}.", field=field)
        self.kind = kind


@dataclass(frozen=True)
class PictureFacts:
    """What a picture is, without its bytes."""

    mime: str
    width: int
    height: int
    num_bytes: int


@dataclass(frozen=True)
class Picture:
    """A checked picture that is not stored yet."""

    data: bytes
    sha256: str
    mime: str
    width: int
    height: int


def picture_check(data: bytes, *, field: str = "image") -> Picture:
    """Decode every pixel of ``data`` (at most 32 MiB and 64 megapixels); BadPicture says what is wrong with it."""
    with picture_decode(data, field=field) as image:
        return Picture(data, hash_bytes(data), MIMES[image.format or ""], image.width, image.height)


def picture_decode(data: bytes, *, field: str = "image") -> Image.Image:
    """The picture with every pixel decoded (of an animation the first frame's), or BadPicture."""
    image = picture_open(data, field=field)
    try:
        image.load()
    except DAMAGED_INSIDE as error:
        raise BadPicture(
            f"a cut-off or damaged {image.format}, {NEEDED}", field=field, kind="broken_picture"
        ) from error
    return image


def picture_open(data: bytes, *, field: str = "image") -> Image.Image:
    """The picture by its header only, of a kind and size that we take, or BadPicture."""
    if len(data) > MAX_BYTES:
        raise BadPicture(f"the picture is larger than {MAX_BYTES >> 20} MiB", field=field, kind="over_large_picture")
    try:
        image = Image.open(io.BytesIO(data), formats=list(MIMES))
    except Image.DecompressionBombError as error:
        raise BadPicture("the picture has too many pixels", field=field, kind="over_large_picture") from error
    except UnidentifiedImageError as error:
        raise not_ours(data, field) from error
    except DAMAGED_INSIDE as error:
        raise BadPicture(NEEDED, field=field, kind="broken_picture") from error
    if image.width * image.height > MAX_PIXELS:
        message = f"the picture has more than {MAX_PIXELS // 1_000_000} megapixels"
        raise BadPicture(message, field=field, kind="over_large_picture")
    return image


def not_ours(data: bytes, field: str) -> BadPicture:
    """What the bytes are instead, where their beginning tells."""
    head = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, name in OTHER_KINDS:
        if head.startswith(start):
            return BadPicture(f"{name}, {NEEDED}", field=field, kind="wrong_type")
    if data[4:8] == b"ftyp":
        return BadPicture(f"a HEIC or AVIF picture or a video, {NEEDED}", field=field, kind="wrong_type")
    return BadPicture(NEEDED, field=field, kind="broken_picture")


def facts_of(image: Image.Image, num_bytes: int) -> PictureFacts:
    """The facts of an opened picture."""
    return PictureFacts(MIMES[image.format or ""], image.width, image.height, num_bytes)


def thumbnail_bytes(image: Image.Image) -> bytes:
    """A JPEG of at most 160 px a side, upright; uses ``image`` up. WebP would take eight times as long."""
    ImageOps.exif_transpose(image, in_place=True)
    small = image if image.mode == "RGB" else image.convert("RGB")
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), reducing_gap=1.0)  # a third of the time, no visible difference
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
