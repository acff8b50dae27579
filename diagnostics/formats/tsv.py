"""VLMEvalKit's TSV files: raw base64 or names of files, index pointers, lists as text, circular groups."""

import csv
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

from core.errors import InvalidInput
from diagnostics.formats.records import Origin
from diagnostics.formats.row import Kind, PictureSource, Row, RowFault, cell_list, index_key
from diagnostics.formats.sources import file_source

MAX_CELL_CHARS = 64 << 20
MAX_POINTER_CHARS = 64
QUOTE = '"'
BUFFER = 1 << 20
CIRCLE = 1_000_000  # the k-th rotation of a question has the index of the question + k * CIRCLE
REQUIRED = ("index", "question", "answer")
PICTURE_COLUMNS = ("image", "image_path")


def tsv_rows(origin: Origin) -> Iterator[Row]:
    """Every row that is not blank; InvalidInput when the header or the file's own shape is wrong."""
    ours = {theirs: name for name, theirs in origin.columns.items()}
    header: list[str] = []
    for number, cells in table_lines(origin.path, "\t"):
        if not header:
            header = header_check([ours.get(cell.strip(), cell.strip()) for cell in cells])
        elif len(cells) != len(header):
            yield Row(number, fault=RowFault("not as many cells as the header has.", field="row"))
        else:
            yield tsv_row(number, dict(zip(header, cells, strict=True)), origin.path)
    if not header:
        header_check([])


def table_lines(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of every line that is not blank, numbered as spreadsheets do: the header is row 1."""
    csv.field_size_limit(MAX_CELL_CHARS)  # csv's own 131,072 is less than one picture
    number = 1
    try:
        with path.open(encoding="utf-8-sig", newline="", buffering=BUFFER) as file:
            for number, line in enumerate(file, start=1):
                cells = plain_cells(line, delimiter) or next(csv.reader(chain([line], file), delimiter=delimiter))
                if cells:
                    yield number, cells
    except UnicodeDecodeError as error:
        raise InvalidInput(f"row {number + 1} or later: the file is not UTF-8.", field="path") from error
    except csv.Error as error:
        raise InvalidInput(f"row {number + 1}: {error}.", field="path") from error


def plain_cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line in which quotes stand around whole cells only, as ``csv`` reads it in a tenth of the time.

    Empty for any other line: blank, or with a quote inside a cell, a cell over several lines, a cell that is too long.
    """
    cells = line.removesuffix("\n").removesuffix("\r").split(delimiter)
    if QUOTE in line:
        cells = [cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == QUOTE else cell for cell in cells]
    is_plain = line.endswith("\n") and len(line) <= MAX_CELL_CHARS and not any(QUOTE in cell for cell in cells)
    return cells if is_plain and cells != [""] else []


def header_check(header: list[str]) -> list[str]:
    """The column names; InvalidInput says which one is missing or comes twice."""
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise InvalidInput(f"header: no column {', '.join(missing)} (tab-separated columns are needed).", field="path")
    if not any(name in header for name in PICTURE_COLUMNS):
        raise InvalidInput("header: neither a column image nor a column image_path.", field="path")
    return once(header)


def once(header: list[str]) -> list[str]:
    """The header, if no name comes twice."""
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InvalidInput(f"header: column {', '.join(twice)[:200]} comes twice.", field="path")
    return header


def tsv_row(number: int, cells: Mapping[str, str], tsv: Path) -> Row:
    """One row with its pictures, with where it points, or with its fault."""
    target = pointer_of(cells)
    if target is not None:
        return Row(number, cells, points_to=target)
    try:
        return Row(number, cells, row_pictures(cells, tsv))
    except RowFault as fault:
        return Row(number, cells, fault=fault)


def pointer_of(cells: Mapping[str, str]) -> str | None:
    """The key of the row whose pictures this row shares: its ``image`` cell points there, or its circular group."""
    cell = cells.get("image", "").strip()
    if cell and len(cell) <= MAX_POINTER_CHARS and not cell.startswith("["):
        return index_key(cell)
    return None if cell or cells.get("image_path", "").strip() else group_of(cells)


def group_of(cells: Mapping[str, str]) -> str | None:
    """The first question of the row's circular group; None for a row that is itself the first, or in no group."""
    index = index_key(cells.get("index", "").strip())
    number = int(index) if index.isascii() and index.isdigit() else 0
    said = cells.get("g_index", "").strip() or (str(number % CIRCLE) if number >= CIRCLE else "")
    return index_key(said) if said and index_key(said) != index else None


def row_pictures(cells: Mapping[str, str], tsv: Path) -> tuple[PictureSource, ...]:
    """The row's own pictures, not yet decoded; ``image`` wins over ``image_path``."""
    image = cells.get("image", "").strip()
    if image:
        return tuple(cell_list(image, "image"))
    names = cell_list(cells.get("image_path", "").strip(), "image_path")
    if not names:
        raise RowFault("the row has no picture.", field="image", kind=Kind.MISSING)
    return tuple(file_source(name, tsv, "image_path") for name in names)
