"""The one row that every format becomes, and what can be wrong with it."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from core.errors import InvalidInput

MAX_LIST_CHARS = 64 << 20
MAX_PICTURES = 32

# Base64 text, the bytes themselves, or a file that was found inside the import folders.
PictureSource = str | bytes | Path


class Kind(StrEnum):
    """What kind of problem a row has."""

    DUPLICATE = "duplicate_index"
    MISSING = "missing_picture"
    BROKEN = "broken_picture"
    WRONG_TYPE = "wrong_type"
    OVER_LARGE = "over_large_picture"
    BAD_LIST = "bad_list"
    POINTER = "bad_pointer"
    ANSWER = "bad_answer"
    CELL = "bad_cell"
    SPLIT = "split_conflict"


class RowFault(InvalidInput):
    """What is wrong with one row; the others go on."""

    def __init__(self, message: str, *, field: str, kind: Kind = Kind.CELL) -> None:
        said = message if field == "row" else f"{field}: {message}"
        super().__init__(printable(said), field=field)
        self.kind = kind


@dataclass(frozen=True)
class Row:
    """One question by our column names. ``number`` is where it stands: a line, or the rows of a table counted from 1.

    A header is row 1, as in spreadsheets. ``points_to`` is the index of the row whose pictures this one shares.
    """

    number: int
    cells: Mapping[str, str] = field(default_factory=dict)
    pictures: tuple[PictureSource, ...] = ()
    points_to: str | None = None
    fault: InvalidInput | None = None

    def text(self, column: str) -> str:
        """A cell without white space around it; empty when the column is missing. PostgreSQL holds no NUL."""
        return self.cells.get(column, "").strip().replace("\0", "")


def printable(text: str) -> str:
    """A text that every database holds: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def index_key(index: str) -> str:
    """What makes two indexes equal: as whole numbers where both are, else as text."""
    return str(int(index)) if index.isascii() and index.isdigit() and len(index) <= 40 else index


def cell_list(cell: str, field: str) -> list[str]:
    """A cell as a list: the text of a Python or JSON list is read without running it, any other text is one value."""
    if not cell.startswith("["):
        return [cell] if cell else []
    values = literal(cell, field)
    if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
        raise RowFault("not the text of a list of strings.", field=field, kind=Kind.BAD_LIST)
    if len(values) > MAX_PICTURES:
        message = f"{len(values)} pictures, at most {MAX_PICTURES} are read."
        raise RowFault(message, field=field, kind=Kind.BAD_LIST)
    return values


def literal(cell: str, field: str) -> object:
    """What the text of a Python literal says; nothing is run."""
    if len(cell) > MAX_LIST_CHARS:
        raise RowFault(f"a list of more than {MAX_LIST_CHARS >> 20} MiB.", field=field, kind=Kind.BAD_LIST)
    try:
        return ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise RowFault("not the text of a list of strings.", field=field, kind=Kind.BAD_LIST) from error
