"""Which format a file has: what the importer's user says, else its name and its beginning."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from core.errors import InvalidInput
from diagnostics.formats.csv import csv_rows
from diagnostics.formats.jsonl import first_record, jsonl_rows
from diagnostics.formats.langfuse import is_langfuse, langfuse_rows
from diagnostics.formats.lmms import is_lmms, lmms_rows
from diagnostics.formats.records import Origin
from diagnostics.formats.row import Row
from diagnostics.formats.tsv import tsv_rows


class Format(StrEnum):
    """A kind of benchmark file that can be read."""

    TSV = "tsv"
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    ARROW = "arrow"
    LMMS = "lmms"
    LANGFUSE = "langfuse"


MAGIC = {b"PAR1": Format.PARQUET, b"ARRO": Format.ARROW}
SUFFIXES = {"": Format.TSV, ".tsv": Format.TSV, ".csv": Format.CSV, ".parquet": Format.PARQUET, ".arrow": Format.ARROW}
JSON_SUFFIXES = (".jsonl", ".json", ".ndjson")
ENDINGS = (*filter(None, SUFFIXES), *JSON_SUFFIXES)


def format_given(said: str) -> Format | None:
    """The format that a person named; None for an empty word, InvalidInput for an unknown one."""
    if said and said not in set(Format):
        raise InvalidInput(f"format: {said[:40]!r} is none of {', '.join(Format)}.", field="format")
    return Format(said) if said else None


def format_of(path: Path, said: str = "") -> Format:
    """The file's format; InvalidInput when neither its name nor its beginning tells."""
    given = format_given(said)
    if given:
        return given
    with path.open("rb") as file:
        start = file.read(4)
    suffix = path.suffix.casefold()
    found = MAGIC.get(start) or SUFFIXES.get(suffix)
    if found:
        return found
    if suffix in JSON_SUFFIXES:
        return json_format(path)
    known = ", ".join(ENDINGS)
    raise InvalidInput(f"path: {path.name} has none of the endings {known}; name its format.", field="path")


def json_format(path: Path) -> Format:
    """Which of the JSON formats the first object looks like."""
    record = first_record(path)
    if is_lmms(record):
        return Format.LMMS
    return Format.LANGFUSE if is_langfuse(record) else Format.JSONL


def rows_of(origin: Origin, format: Format) -> Iterator[Row]:
    """The file's rows, read as ``format``."""
    if format is Format.TSV:
        return tsv_rows(origin)
    if format in (Format.PARQUET, Format.ARROW):
        return arrow_table_rows(origin, format)
    return {Format.CSV: csv_rows, Format.JSONL: jsonl_rows, Format.LMMS: lmms_rows, Format.LANGFUSE: langfuse_rows}[
        format
    ](origin)


def arrow_table_rows(origin: Origin, format: Format) -> Iterator[Row]:
    """Rows by pyarrow, which is loaded for these files only."""
    from diagnostics.formats.arrow import arrow_rows, parquet_rows

    return parquet_rows(origin) if format is Format.PARQUET else arrow_rows(origin)
