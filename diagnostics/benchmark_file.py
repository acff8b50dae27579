"""The file that an import was given: where it is, what it is, and whether it is still the same."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from core.domain.files import hash_bytes, hash_file
from core.errors import InvalidInput
from diagnostics.formats.detect import Format, format_of, rows_of
from diagnostics.formats.records import Origin, columns_check
from diagnostics.formats.row import Row
from diagnostics.import_paths import import_path


@dataclass(frozen=True)
class BenchmarkFile:
    """A checked file below the import folders."""

    origin: Origin
    format: Format

    def rows(self) -> Iterator[Row]:
        """Its rows, good and bad."""
        return rows_of(self.origin, self.format)

    def state(self) -> tuple[int, int]:
        """What changes when somebody writes to the file."""
        facts = self.origin.path.stat()
        return facts.st_size, facts.st_mtime_ns

    def content_hash(self, tick: Callable[[], None]) -> str:
        """The sha256 of the file's bytes, and of the columns' names where they were said."""
        found = hash_file(self.origin.path, tick)
        columns = sorted(self.origin.columns.items())
        return hash_bytes(json.dumps([found, columns])) if columns else found


def benchmark_file(path: str, *, format: str = "", columns: Mapping[str, str] | None = None) -> BenchmarkFile:
    """The file that may be imported; InvalidInput names ``path``, ``format`` or ``columns``."""
    file = import_path(path)
    if not file.is_file():
        raise InvalidInput(f"path: {path} is no file.", field="path")
    columns_check(columns or {})
    try:
        return BenchmarkFile(Origin(file, dict(columns or {})), format_of(file, format))
    except OSError as error:
        raise InvalidInput(f"path: {path} cannot be read.", field="path") from error
