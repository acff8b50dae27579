"""Pictures of an import that is not decided yet: whole files beside the store, on its disk, that no row speaks of."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from core.domain.files import hash_bytes, write_atomic
from core.media import media_path, thumbnail_path
from core.models import Job
from core.pictures import PictureFacts, facts_of, picture_decode, picture_open, thumbnail_bytes


@dataclass(frozen=True)
class Staging:
    """The folder of one job's pictures; a job that was killed finds what it had decoded. Safe in threads."""

    folder: Path

    def take(self, data: bytes, *, field: str = "image") -> tuple[str, PictureFacts]:
        """The picture's sha256 and facts, its files and thumbnail staged; BadPicture says what is wrong with it.

        What is stored or staged already was decoded whole then, and only its header is read.
        """
        sha = hash_bytes(data)
        if media_path(sha).exists() or self.path(media_path(sha)).exists():
            with picture_open(data, field=field) as image:
                return sha, facts_of(image, len(data))
        with picture_decode(data, field=field) as image:
            facts = facts_of(image, len(data))
            write_atomic(self.path(thumbnail_path(sha)), thumbnail_bytes(image))
            write_atomic(self.path(media_path(sha)), data)
            return sha, facts

    def path(self, final: Path) -> Path:
        """Where a file of the store lies while it is staged."""
        return self.folder / "media" / final.relative_to(settings.MEDIA_ROOT)

    def publish(self, tick: Callable[[], None]) -> None:
        """Move all files to their places, thumbnails first; on return the names have reached the disk."""
        root = self.folder / "media"
        for folder in (*folders_in(root / "thumbnails"), *(one for one in folders_in(root) if len(one.name) == 2)):
            target = Path(settings.MEDIA_ROOT) / folder.relative_to(root)
            target.mkdir(parents=True, exist_ok=True)
            for file in folder.iterdir():
                with suppress(FileNotFoundError):  # an attempt that lost this job may still be at it
                    file.replace(target / file.name)
            folder_sync(target)
            tick()

    def remove(self) -> None:
        """Forget all that was staged."""
        shutil.rmtree(self.folder, ignore_errors=True)


def staging_of(job: Job) -> Staging:
    """The job's own folder; folders of jobs that have ended go."""
    root = Path(settings.MEDIA_ROOT) / "incoming"
    others = {folder.name: folder for folder in folders_in(root) if folder.name.isdecimal()}
    live = Job.objects.filter(pk__in=map(int, others), status__in=["waiting", "running"]).values_list("pk", flat=True)
    for name in others.keys() - {str(pk) for pk in live} - {str(job.pk)}:
        Staging(others[name]).remove()
    return Staging(root / str(job.pk))


def folders_in(folder: Path) -> Iterator[Path]:
    """The folders in a folder that may not exist, in a fixed order."""
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return (one for one in found if one.is_dir())


def folder_sync(folder: Path) -> None:
    """Wait until a folder's names have reached the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
