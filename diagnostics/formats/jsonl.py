"""JSON objects, one a line, or a JSON file that is a list of them."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from core.errors import InvalidInput
from diagnostics.formats.records import Origin, Record, record_row
from diagnostics.formats.row import Row, RowFault

MAX_LINE_BYTES = 64 << 20
MAX_WHOLE_BYTES = 64 << 20


def jsonl_rows(origin: Origin) -> Iterator[Row]:
    """Every object as a row, every other line as a fault."""
    for position, (number, record) in enumerate(json_records(origin.path)):
        yield record if isinstance(record, Row) else record_row(number, record, origin, position=position)


def json_records(path: Path) -> Iterator[tuple[int, Record | Row]]:
    """Objects by line, or by place for a file that is one list (or an object whose ``data`` is one)."""
    if is_whole(path):
        yield from enumerate(map(object_or_fault, whole_list(path), range(1, 1 << 62)), start=1)
        return
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES):
            number += 1
            if len(line) == MAX_LINE_BYTES:
                raise InvalidInput(f"row {number}: the line is longer than 64 MiB.", field="path")
            if line.strip():
                yield number, line_record(line, number)


def is_whole(path: Path) -> bool:
    """Whether the file is one JSON value over several lines and not an object a line."""
    with path.open("rb") as file:
        start = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    first_line = start.split(b"\n", 1)[0].strip()
    return first_line[:1] == b"[" or (path.suffix.casefold() == ".json" and not first_line.endswith(b"}"))


def line_record(line: bytes, number: int) -> Record | Row:
    """The object on a line, or a row that says why there is none."""
    try:
        return object_or_fault(json.loads(line.lstrip(b"\xef\xbb\xbf")), number)
    except (ValueError, RecursionError) as error:
        return Row(number, fault=RowFault(f"not JSON ({str(error)[:80]}).", field="row"))


def object_or_fault(value: object, number: int) -> Record | Row:
    """An object, or a row that says that it is none."""
    return value if isinstance(value, dict) else Row(number, fault=RowFault("not a JSON object.", field="row"))


def whole_list(path: Path) -> list[object]:
    """The list that the file is."""
    if path.stat().st_size > MAX_WHOLE_BYTES:
        raise InvalidInput("path: a JSON list of more than 64 MiB; write one object a line (JSONL).", field="path")
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"path: not JSON ({str(error)[:120]}).", field="path") from error
    rows = value.get("data", [value]) if isinstance(value, dict) else value
    if not isinstance(rows, list):
        raise InvalidInput("path: neither a list of objects nor one object a line.", field="path")
    return rows


def first_record(path: Path) -> Record:
    """The file's first object; an empty one when it has none."""
    for _, record in islice(json_records(path), 1):
        return {} if isinstance(record, Row) else record
    return {}
