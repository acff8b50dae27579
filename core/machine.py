"""What this installation stands on: room on its disks, its database, its broker."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import connection
from kombu.exceptions import OperationalError

from core.domain.files import write_atomic

MEASURE_EVERY_S = 600
BROKER_TIMEOUT_S = 1
SCARCE_SHARE = 0.05
DATABASE_SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}


@dataclass(frozen=True)
class Folder:
    """A part of DPE_VAR: what it holds, None until it was measured, and the room on its file system."""

    name: str
    path: str
    num_bytes: int | None
    num_files: int | None
    free: int
    size: int

    @property
    def is_scarce(self) -> bool:
        """Whether its file system is nearly full."""
        return self.free < SCARCE_SHARE * self.size


@dataclass(frozen=True)
class Machine:
    """Disk, database and broker; ``measured_at`` is when the folders were last added up."""

    folders: list[Folder]
    measured_at: datetime | None
    database: str
    database_bytes: int
    has_broker: bool


def machine_now() -> Machine:
    """How it stands now; folders as they were measured last, everything else asked anew. One query."""
    report = report_read()
    sizes = report.get("folders", {})
    measured = datetime.fromtimestamp(report["at"], UTC) if report else None
    folders = [folder_of(name, path, sizes.get(name)) for name, path in parts().items()]
    return Machine(folders, measured, connection.vendor, database_bytes(), broker_answers())


def parts() -> dict[str, Path]:
    """The folders that grow."""
    return {"media": settings.MEDIA_ROOT, "runs": settings.RUNS_ROOT, "datasets": settings.DATASETS_ROOT}


def folder_of(name: str, path: Path, held: list[int] | None) -> Folder:
    """A folder with the room that is left for it; one that does not exist yet would lie beside its parent."""
    place = next(one for one in (path, *path.parents) if one.exists())
    usage = shutil.disk_usage(place)
    num_bytes, num_files = held or (None, None)
    return Folder(name, str(path), num_bytes, num_files, usage.free, usage.total)


def folders_measure() -> None:
    """Add up the folders and keep the sums in a file, if that was not done in the last ten minutes."""
    if time.time() - report_read().get("at", 0.0) < MEASURE_EVERY_S:
        return
    sizes = {name: folder_size(path) for name, path in parts().items()}
    write_atomic(settings.DISK_REPORT, json.dumps({"at": time.time(), "folders": sizes}))


def folder_size(path: Path) -> tuple[int, int]:
    """Bytes and files below the folder; what vanishes meanwhile does not count."""
    sizes = list(file_sizes(path))
    return sum(sizes), len(sizes)


def file_sizes(path: Path) -> Iterator[int]:
    """The size of every file below the folder; links are not followed."""
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                yield os.lstat(Path(folder) / name).st_size
            except FileNotFoundError:
                continue


def report_read() -> dict[str, Any]:
    """What was measured last; empty before the first time."""
    try:
        found: dict[str, Any] = json.loads(Path(settings.DISK_REPORT).read_text())
    except FileNotFoundError:
        return {}
    return found


def database_bytes() -> int:
    """The size of the whole database; one query."""
    with connection.cursor() as cursor:
        cursor.execute(DATABASE_SIZE[connection.vendor])
        return int(cursor.fetchone()[0])


def broker_answers() -> bool:
    """Whether hints reach workers at once; without a broker nothing wakes them."""
    patience = {"socket_connect_timeout": BROKER_TIMEOUT_S, "socket_timeout": BROKER_TIMEOUT_S}
    with current_app.connection_for_write(transport_options=patience) as broker:
        try:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_TIMEOUT_S)
        except OperationalError:
            return False
    return True
