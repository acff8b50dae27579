"""Where a row's pictures are: base64, bytes, or files inside the folder of the benchmark. Nothing is ever fetched."""

import base64
import binascii
import re
from contextlib import suppress
from pathlib import Path

from core.errors import InvalidInput
from core.pictures import MAX_BYTES
from diagnostics.formats.row import Kind, PictureSource, RowFault
from diagnostics.import_paths import import_path

MAX_NAME_CHARS = 255
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
URL = re.compile(r"[a-z][a-z0-9+.-]{1,20}://", re.IGNORECASE)
DATA_URL = re.compile(r"data:image/[a-z+.-]{1,20};base64,", re.IGNORECASE)
LANGFUSE_MEDIA = "@@@langfuseMedia:"


def source_bytes(source: PictureSource, field: str = "image") -> bytes:
    """The picture's raw bytes, not yet decoded."""
    if isinstance(source, bytes):
        return source
    return file_bytes(source, field) if isinstance(source, Path) else base64_bytes(source, field)


def file_bytes(path: Path, field: str) -> bytes:
    """The bytes of a picture file that may have gone since it was found."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise RowFault(f"{path.name} cannot be read.", field=field, kind=Kind.MISSING) from error


def base64_bytes(text: str, field: str = "image") -> bytes:
    """The bytes that raw base64 spells, line breaks allowed."""
    if text.startswith("data:"):
        raise RowFault("raw base64 is needed, without a data: prefix.", field=field, kind=Kind.BROKEN)
    if len(text) > MAX_BYTES * 4 // 3 + 4096:
        raise RowFault(f"the picture is larger than {MAX_BYTES >> 20} MiB.", field=field, kind=Kind.OVER_LARGE)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # a line break, or worse
        return base64_broken(text, field)


def base64_broken(text: str, field: str) -> bytes:
    """The same with white space left out."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RowFault("not base64.", field=field, kind=Kind.BROKEN) from error


def named_source(value: str, base: Path, field: str) -> PictureSource:
    """What a text means as a picture: a data URL's base64, a file's name, else base64."""
    value = value.strip()
    if start := DATA_URL.match(value[:60]):
        return value[start.end() :]
    if URL.match(value[:30]):
        raise RowFault(f"{value[:80]} is a URL, and nothing is fetched.", field=field, kind=Kind.MISSING)
    if value.startswith(LANGFUSE_MEDIA):
        message = "a reference to a file on a Langfuse server, and nothing is fetched; export with media as data URLs."
        raise RowFault(message, field=field, kind=Kind.MISSING)
    return file_source(value, base, field) if len(value) <= MAX_NAME_CHARS else value


def file_source(name: str, base: Path, field: str) -> Path:
    """The picture file that ``name`` means: beside the benchmark, in ``images/``, or in VLMEvalKit's ``images/NAME/``.

    RowFault when it is none of these, lies outside the benchmark's folder, or is too large.
    """
    for folder in (base.parent / "images" / base.stem, base.parent / "images", base.parent):
        with suppress(InvalidInput):
            path = import_path(folder / name, field=field)
            if path.is_file() and path.is_relative_to(base.parent.resolve()):
                return sized(path, name, field)
    raise RowFault(f"{name[:120]} is no file in the benchmark's folder.", field=field, kind=Kind.MISSING)


def sized(path: Path, name: str, field: str) -> Path:
    """The file, unless it is too large to be read."""
    if path.stat().st_size > MAX_BYTES:
        message = f"{name[:120]} is larger than {MAX_BYTES >> 20} MiB."
        raise RowFault(message, field=field, kind=Kind.OVER_LARGE)
    return path


def numbered_source(index: str, base: Path, field: str) -> Path:
    """The picture file called by the row's index, for files that name no pictures: ``images/INDEX.png`` or the like."""
    for suffix in PICTURE_SUFFIXES:
        with suppress(RowFault):
            return file_source(f"{index}{suffix}", base, field)
    message = f"the file names no picture, and there is no images/{index[:60]}.png, .jpg, .webp, .gif or .bmp."
    raise RowFault(message, field=field, kind=Kind.MISSING)
