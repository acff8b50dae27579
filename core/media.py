"""Pictures by content: checked and decoded whole on the way in, stored once, never changed."""

from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from core.domain.files import write_atomic
from core.models import Campaign, CampaignMedia, Media
from core.pictures import MAX_BYTES, Picture, PictureFacts, picture_check, picture_decode, thumbnail_bytes

__all__ = [
    "MAX_BYTES",
    "Picture",
    "media_path",
    "media_rows_write",
    "media_store",
    "picture_check",
    "thumbnail_path",
    "write_thumbnail",
]

CHUNK = 500


def media_path(sha256: str) -> Path:
    """Where the bytes of a stored picture lie."""
    return Path(settings.MEDIA_ROOT) / sha256[:2] / sha256


def thumbnail_path(sha256: str) -> Path:
    """Where its thumbnail lies, a JPEG of at most 160 px a side."""
    return Path(settings.MEDIA_ROOT) / "thumbnails" / sha256[:2] / f"{sha256}.jpg"


def media_store(campaign: Campaign, pictures: list[Picture]) -> None:
    """Write files first, then rows; a picture that is there already costs nothing. Call inside a transaction."""
    for picture in pictures:
        write_files(picture)
    media_rows_write(campaign, {p.sha256: PictureFacts(p.mime, p.width, p.height, len(p.data)) for p in pictures})


def media_rows_write(campaign: Campaign, facts: Mapping[str, PictureFacts]) -> None:
    """The rows of pictures whose files are stored, by sha256; those that are there already stay."""
    rows = [Media(sha, f.mime, f.width, f.height, f.num_bytes) for sha, f in facts.items()]
    Media.objects.bulk_create(rows, ignore_conflicts=True, batch_size=CHUNK)
    uses = [CampaignMedia(campaign=campaign, media_id=sha) for sha in facts]
    CampaignMedia.objects.bulk_create(uses, ignore_conflicts=True, batch_size=CHUNK)


def write_files(picture: Picture) -> None:
    """The picture's own file and its thumbnail, unless they are there."""
    if not media_path(picture.sha256).exists():
        write_thumbnail(picture)
        write_atomic(media_path(picture.sha256), picture.data)


def write_thumbnail(picture: Picture) -> None:
    """Make the small picture that lists show; made at import, never in a view."""
    with picture_decode(picture.data) as image:
        write_atomic(thumbnail_path(picture.sha256), thumbnail_bytes(image))
