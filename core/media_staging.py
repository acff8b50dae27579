"""Pictures of an import that is not decided yet: whole files beside the store, on its disk, that no row speaks of."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from core.domain.files import hash_bytes, write_atomic
from core.jobs.lease import boot_id
from core.media import media_path, thumbnail_path
from core.models import Job
from core.models.jobs import LIVE
from core.pictures import PictureFacts, facts_of, picture_decode, picture_open, thumbnail_bytes

FEW_FILES = 400


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
            write_atomic(self.path(thumbnail_path(sha)), thumbnail_bytes(image), sync=False)
            write_atomic(self.path(media_path(sha)), data, sync=False)
            return sha, facts

    def path(self, final: Path) -> Path:
        """Where a file of the store lies while it is staged."""
        return self.folder / "media" / final.relative_to(settings.MEDIA_ROOT)

    def publish(self, tick: Callable[[], None]) -> None:
        """Move all files to their places, thumbnails first; on return files and names have reached the disk.

        A file is on the disk before it gets its final name: what the store has is whole, even when the power fails.
        """
        root = self.folder / "media"
        folders = [*folders_in(root / "thumbnails"), *(one for one in folders_in(root) if len(one.name) == 2)]
        files_sync([file for folder in folders for file in whole_files(folder)], tick)
        for folder in folders:
            target = Path(settings.MEDIA_ROOT) / folder.relative_to(root)
            target.mkdir(parents=True, exist_ok=True)
            for file in whole_files(folder):
                with suppress(FileNotFoundError):  # an attempt that lost this job may still be at it
                    file.replace(target / file.name)
            path_sync(target)
            tick()

    def remove(self) -> None:
        """Forget all that was staged."""
        shutil.rmtree(self.folder, ignore_errors=True)


def staging_of(job: Job) -> Staging:
    """The job's own folder since this machine was started; folders of jobs that have ended go.

    What was staged before a power failure may be torn, and goes too.
    """
    root = Path(settings.MEDIA_ROOT) / "incoming"
    own = f"{job.pk}-{boot_id()[:8]}"
    owners = {folder: folder.name.partition("-")[0] for folder in folders_in(root) if folder.name != own}
    others = {int(pk) for pk in owners.values() if pk.isdecimal()} - {job.pk}
    live = Job.objects.filter(pk__in=others, status__in=LIVE).values_list("pk", flat=True)
    kept = {str(pk) for pk in live}
    for folder in (folder for folder, pk in owners.items() if pk not in kept):
        Staging(folder).remove()
    return Staging(root / own)


def folders_in(folder: Path) -> Iterator[Path]:
    """The folders in a folder that may not exist, in a fixed order."""
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return (one for one in found if one.is_dir())


def whole_files(folder: Path) -> list[Path]:
    """A folder's files, without those that somebody was killed over."""
    return [file for file in folder.iterdir() if not file.name.startswith(".")]


def files_sync(files: list[Path], tick: Callable[[], None]) -> None:
    """Wait until the files have reached the disk: few one by one, many with all that the machine has to write."""
    if len(files) <= FEW_FILES:
        for file in files:
            path_sync(file)
        return
    with ThreadPoolExecutor(1) as thread:
        flushed = thread.submit(os.sync)
        while wait([flushed], timeout=1).not_done:
            tick()


def path_sync(path: Path) -> None:
    """Wait until a file, or a folder's names, have reached the disk."""
    with suppress(FileNotFoundError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
