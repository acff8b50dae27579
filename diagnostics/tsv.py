"""VLMEvalKit's TSV files, read row by row: the header, the cells, and the pictures behind a row.

A file of any size is streamed. What is wrong with the file itself ends the reading; what is wrong with one row is
an InvalidInput that the caller may collect, so that a person sees every bad row at once.
"""

import ast
import base64
import binascii
import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.errors import InvalidInput
from core.media import MAX_BYTES
from diagnostics.import_paths import import_path

MAX_CELL_CHARS = 64 << 20
MAX_POINTER_CHARS = 64
MAX_PICTURES = 32
REQUIRED = ("index", "question", "answer")
PICTURE_COLUMNS = ("image", "image_path")


@dataclass(frozen=True)
class Row:
    """One row by column name. ``number`` counts as spreadsheets do: the header is row 1."""

    number: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """A cell without white space around it; empty when the column is missing. PostgreSQL holds no NUL."""
        return self.cells.get(column, "").strip().replace("\0", "")


def tsv_rows(path: Path) -> Iterator[Row]:
    """Every row that is not blank; InvalidInput when the header or the file's own shape is wrong.

    A row with too many or too few cells comes without any, for the caller to report.
    """
    csv.field_size_limit(MAX_CELL_CHARS)  # csv's own 131,072 is less than one picture
    number = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter="\t")
            header = header_check(next(reader, []))
            for number, cells in enumerate(reader, start=2):
                if cells:
                    fits = len(cells) == len(header)
                    yield Row(number, dict(zip(header, cells, strict=True)) if fits else {})
    except UnicodeDecodeError as error:
        raise InvalidInput(f"row {number + 1} or later: the file is not UTF-8.", field="path") from error
    except csv.Error as error:
        raise InvalidInput(f"row {number + 1}: {error}.", field="path") from error


def header_check(cells: Sequence[str]) -> list[str]:
    """The column names; InvalidInput says which one is missing or comes twice."""
    header = [cell.strip() for cell in cells]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise InvalidInput(f"header: no column {', '.join(missing)} (tab-separated columns are needed).", field="path")
    if not any(name in header for name in PICTURE_COLUMNS):
        raise InvalidInput("header: neither a column image nor a column image_path.", field="path")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InvalidInput(f"header: column {', '.join(twice)} comes twice.", field="path")
    return header


def index_key(index: str) -> str:
    """What makes two indexes equal: as whole numbers where both are, else as text."""
    return str(int(index)) if index.isascii() and index.isdigit() else index


def pointer_of(row: Row) -> str | None:
    """The key of the row whose pictures this row shares, when its ``image`` cell only points there."""
    cell = row.text("image")
    return index_key(cell) if cell and len(cell) <= MAX_POINTER_CHARS and not cell.startswith("[") else None


def row_pictures(row: Row, tsv: Path) -> list[bytes]:
    """The raw bytes of the row's own pictures, not yet decoded; ``image`` wins over ``image_path``."""
    if row.text("image"):
        return [base64_bytes(text) for text in cell_list(row.text("image"), "image")]
    names = cell_list(row.text("image_path"), "image_path")
    if not names:
        raise InvalidInput("image: the row has no picture.", field="image")
    return [file_bytes(name, tsv) for name in names]


def cell_list(cell: str, field: str) -> list[str]:
    """A cell as a list: the text of a Python list is read without running it, any other text is one value."""
    if not cell.startswith("["):
        return [cell] if cell else []
    try:
        values = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise InvalidInput(f"{field}: not the text of a list of strings.", field=field) from error
    if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
        raise InvalidInput(f"{field}: not the text of a list of strings.", field=field)
    if len(values) > MAX_PICTURES:
        raise InvalidInput(f"{field}: {len(values)} pictures, at most {MAX_PICTURES} are read.", field=field)
    return values


def base64_bytes(text: str) -> bytes:
    """The bytes that raw base64 spells, line breaks allowed."""
    if text.startswith("data:"):
        raise InvalidInput("image: raw base64 is needed, without a data: prefix.", field="image")
    if len(text) > MAX_BYTES * 4 // 3 + 4096:
        raise InvalidInput(f"image: the picture is larger than {MAX_BYTES >> 20} MiB.", field="image")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("image: not base64.", field="image") from error


def file_bytes(name: str, tsv: Path) -> bytes:
    """A picture file beside the TSV, or in VLMEvalKit's ``images/DATASET/`` there; the import roots hold for it too."""
    path = picture_path(name, tsv)
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise InvalidInput(f"image_path: {name} is no file of at most {MAX_BYTES >> 20} MiB.", field="image_path")
    return path.read_bytes()


def picture_path(name: str, tsv: Path) -> Path:
    """Where the picture lies; InvalidInput when it is in neither place."""
    with suppress(InvalidInput):
        return import_path(tsv.parent / "images" / tsv.stem / name, field="image_path")
    return import_path(tsv.parent / name, field="image_path")
