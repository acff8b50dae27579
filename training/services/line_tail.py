"""The growing end of a file that a child appends lines to."""

from dataclasses import dataclass
from pathlib import Path


@dataclass
class LineTail:
    """Reads what was appended since the last look, whole lines only; a new attempt begins at the file's beginning."""

    name: str
    offset: int = 0

    def read(self, folder: Path) -> bytes:
        """The new whole lines; empty when there are none."""
        path = folder / self.name
        if not path.exists() or path.stat().st_size <= self.offset:
            return b""
        with path.open("rb") as file:
            file.seek(self.offset)
            news = file.read()
        return news[: news.rfind(b"\n") + 1]

    def accept(self, lines: bytes) -> None:
        """Go on behind ``lines``: they are stored."""
        self.offset += len(lines)
