"""The checked texts of an import, on disk until they are written as items; nobody else sees the file."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.domain.answers import AnswerType
from diagnostics.item_text import ItemText


@dataclass(frozen=True)
class ItemSpool:
    """One text a line, in the order in which they were checked."""

    file: IO[str]

    def write(self, text: ItemText) -> None:
        """Add a text."""
        self.file.write(json.dumps(vars(text)) + "\n")

    def texts(self) -> Iterator[ItemText]:
        """All texts from the first on."""
        self.file.seek(0)
        for line in self.file:
            text = json.loads(line)
            yield ItemText(**{**text, "answer_type": AnswerType(text["answer_type"])})


@contextmanager
def item_spool(folder: Path) -> Iterator[ItemSpool]:
    """An empty spool on the disk of ``folder``, gone with its last user."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile("w+", dir=folder, encoding="ascii") as file:
        yield ItemSpool(file)
