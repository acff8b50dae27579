"""Predictions made elsewhere: VLMEvalKit's xlsx, tsv and json, and lmms-eval's sample logs. Nothing in them is run."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import InvalidInput
from diagnostics.formats.jsonl import json_records
from diagnostics.formats.lmms import doc_hash_of, is_lmms
from diagnostics.formats.records import Record, text_of
from diagnostics.formats.row import Row, RowFault, index_key
from diagnostics.formats.tsv import once, table_lines

XLSX_CELL = 32_767  # a spreadsheet cuts longer cells, in silence
MAX_UNPACKED = 2 << 30
MAX_ANSWERS = 64
ENDINGS = (".xlsx", ".tsv", ".json", ".jsonl")
REQUIRED = ("index", "prediction")
FAILED = ("failed to obtain answer via api",)  # what VLMEvalKit writes when the model was not reached
DAMAGED = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, SyntaxError, EOFError)


@dataclass(frozen=True)
class Prediction:
    """What a model answered to one question, N times. ``gold`` and ``doc_hash`` are empty where the file has none.

    ``fault`` is why this row cannot be judged: a reason in one word and a sentence.
    """

    row: int
    index: str
    texts: tuple[str, ...] = ()
    gold: str = ""
    doc_hash: str = ""
    fault: tuple[str, str] | None = None


def prediction_rows(path: Path) -> Iterator[Prediction]:
    """Every row of the file; InvalidInput when it has none of the formats."""
    suffix = path.suffix.casefold()
    if suffix in (".json", ".jsonl"):
        for number, record in json_records(path):
            yield json_prediction(number, record)
    elif suffix in (".xlsx", ".tsv"):
        lines = xlsx_lines(path) if suffix == ".xlsx" else table_lines(path, "\t")
        yield from table_predictions(lines, is_cut=suffix == ".xlsx")
    else:
        raise InvalidInput(f"path: predictions are read from {', '.join(ENDINGS)} files.", field="path")


def table_predictions(lines: Iterator[tuple[int, list[str]]], *, is_cut: bool) -> Iterator[Prediction]:
    """Rows of a table with a header; ``is_cut`` says that its format cuts long cells."""
    header: list[str] = []
    for number, cells in lines:
        if not header:
            header = prediction_header(cells)
        elif len(cells) != len(header):
            yield Prediction(number, "", fault=("bad_row", "not as many cells as the header has."))
        else:
            yield record_prediction(number, dict(zip(header, cells, strict=True)), is_cut=is_cut)
    if not header:
        prediction_header([])


def prediction_header(cells: list[str]) -> list[str]:
    """The column names; InvalidInput when one is missing or comes twice."""
    header = [cell.strip() for cell in cells]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise InvalidInput(f"header: no column {', '.join(missing)}.", field="path")
    return once([name or f"column {place}" for place, name in enumerate(header)])


def xlsx_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The cells of a spreadsheet's first sheet, row by row; InvalidInput when it is damaged or unpacks to too much."""
    from openpyxl import load_workbook

    number = 0
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                raise InvalidInput(f"path: it unpacks to more than {MAX_UNPACKED >> 30} GiB.", field="path")
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
        for number, values in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
            if any(value is not None for value in values):
                yield number, [cell_text(value) for value in values]
    except (zipfile.BadZipFile, zipfile.LargeZipFile, *DAMAGED) as error:
        message = f"row {number + 1} or later: not a whole spreadsheet ({str(error)[:80]})."
        raise InvalidInput(message, field="path") from error


def cell_text(value: object) -> str:
    """A cell as VLMEvalKit's other formats write it: whole numbers without a point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return text_of(value, "cell")


def json_prediction(number: int, record: Record | Row) -> Prediction:
    """One JSON object: a line of a sample log, or a row of VLMEvalKit's table."""
    if isinstance(record, Row):
        return Prediction(number, "", fault=("bad_row", str(record.fault)))
    if is_lmms(record):
        return lmms_prediction(number, record)
    if "prediction" not in record or "index" not in record:
        return Prediction(number, "", fault=("bad_row", "neither index and prediction nor a sample log's names."))
    return record_prediction(number, record, is_cut=False)


def record_prediction(number: int, record: Record, *, is_cut: bool) -> Prediction:
    """A row with ``index`` and ``prediction``; what was never the model's answer is a fault."""
    try:
        index, text = text_of(record["index"], "index").strip(), text_of(record["prediction"], "prediction")
        gold = text_of(record.get("answer"), "answer").strip()
    except RowFault as fault:
        return Prediction(number, "", fault=("bad_row", str(fault)))
    return Prediction(number, index_key(index), (text,), gold, fault=text_fault(text, is_cut=is_cut))


def text_fault(text: str, *, is_cut: bool) -> tuple[str, str] | None:
    """Why a text is not what the model said; None when it is."""
    if is_cut and len(text) >= XLSX_CELL:
        return "cut_by_xlsx", f"prediction: cut at {XLSX_CELL:,} characters by the spreadsheet; bring the tsv or json."
    if text.strip().casefold().rstrip(".!").startswith(FAILED):
        return "not_answered", "prediction: the model was not reached; that is no answer."
    return None


def lmms_prediction(number: int, record: Record) -> Prediction:
    """One document of a sample log: its raw responses, else the filtered ones."""
    doc_id = record.get("doc_id")
    index = str(doc_id) if isinstance(doc_id, int | str) else ""
    texts = response_texts(record.get("resps")) or response_texts(record.get("filtered_resps"))
    target = record.get("target")
    gold = target.strip() if isinstance(target, str) else ""
    fault = None if texts else ("no_text", "resps: no texts; a log of likelihoods cannot be judged.")
    return Prediction(number, index_key(index), texts, gold, doc_hash_of(record), fault)


def response_texts(value: object) -> tuple[str, ...]:
    """The answers to a document's first request; none when they are not texts."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not value:
        return ()
    answers = value[0] if isinstance(value[0], list) else value[:1]
    return tuple(answers[:MAX_ANSWERS]) if all(isinstance(one, str) for one in answers) else ()
