"""Many samples without holding them all: by the chunk, and the model's answers to them from their file."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from pydantic_core import from_json

from core.specs import AnswerRow
from datagen.models import Sample

CHUNK = 500


def samples_chunked(keys: Sequence[int], *, without: Sequence[str] = ()) -> Iterator[list[Sample]]:
    """The samples with these primary keys in this order, some hundred at a time, with slot and picture; the fields
    ``without`` which one does stay in the database.
    """
    for start in range(0, len(keys), CHUNK):
        chunk = keys[start : start + CHUNK]
        found = Sample.objects.select_related("slot", "media").defer(*without).in_bulk(chunk)
        yield [found[key] for key in chunk]


class AnswersFile:
    """answers.jsonl by item: where each line begins is remembered, its text is not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, list[int]] = defaultdict(list)
        place = 0
        with path.open("rb") as file:
            for line in file:
                self._places[from_json(line)["id"]].append(place)
                place += len(line)

    def rows(self, item_id: str) -> list[AnswerRow]:
        """The answers to one item, in the file's order."""
        with self._path.open("rb") as file:
            return [row_at(file, place) for place in self._places[item_id]]


def row_at(file: BinaryIO, place: int) -> AnswerRow:
    """The answer whose line begins there."""
    file.seek(place)
    return AnswerRow.model_validate_json(file.readline())
