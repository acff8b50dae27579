"""Pictures by content: checked and decoded whole on the way in, stored once, never changed."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from PIL import Image, ImageOps, UnidentifiedImageError

from core.domain.files import hash_bytes, write_atomic
from core.errors import InvalidInput
from core.models import Campaign, CampaignMedia, Media

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
CHUNK = 500


@dataclass(frozen=True)
class Picture:
    """A checked picture that is not stored yet."""

    data: bytes
    sha256: str
    mime: str
    width: int
    height: int


def picture_check(data: bytes, *, field: str = "image") -> Picture:
    """Decode every pixel of ``data`` (at most 32 MiB and 64 megapixels); InvalidInput says what is wrong with it."""
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"{field}: the picture is larger than {MAX_BYTES >> 20} MiB.", field=field)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=list(MIMES)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise InvalidInput(
                        f"{field}: the picture has more than 64 megapixels.",
                        field=field,
                    )
                image.load()
                return Picture(
                    data,
                    hash_bytes(data),
                    MIMES[image.format or ""],
                    image.width,
                    image.height,
                )
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidInput(f"{field}: the picture has too many pixels.", field=field) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InvalidInput(f"{field}: not a whole PNG, JPEG, WebP, GIF or BMP picture.", field=field) from error


def media_path(sha256: str) -> Path:
    """Where the bytes of a stored picture lie."""
    return Path(settings.MEDIA_ROOT) / sha256[:2] / sha256


def thumbnail_path(sha256: str) -> Path:
    """Where its thumbnail lies, a WebP of at most 160 px a side."""
    return Path(settings.MEDIA_ROOT) / "thumbnails" / sha256[:2] / f"{sha256}.webp"


def media_store(campaign: Campaign, pictures: list[Picture]) -> None:
    """Write files first, then rows; a picture that is there already costs nothing. Call inside a transaction."""
    for picture in pictures:
        write_files(picture)
    unique = {picture.sha256: picture for picture in pictures}.values()
    rows = [Media(p.sha256, p.mime, p.width, p.height, len(p.data)) for p in unique]
    Media.objects.bulk_create(rows, ignore_conflicts=True, batch_size=CHUNK)
    uses = [CampaignMedia(campaign=campaign, media_id=p.sha256) for p in unique]
    CampaignMedia.objects.bulk_create(uses, ignore_conflicts=True, batch_size=CHUNK)


def write_files(picture: Picture) -> None:
    """The picture's own file and its thumbnail, unless they are there."""
    if not media_path(picture.sha256).exists():
        write_thumbnail(picture)
        write_atomic(media_path(picture.sha256), picture.data)


def write_thumbnail(picture: Picture) -> None:
    """Make the small picture that lists show; made at import, never in a view."""
    with Image.open(io.BytesIO(picture.data)) as image:
        small = ImageOps.exif_transpose(image).convert("RGB")
        small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
        buffer = io.BytesIO()
        small.save(buffer, "WEBP", quality=80, method=0)
    write_atomic(thumbnail_path(picture.sha256), buffer.getvalue())
