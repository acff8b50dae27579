"""lmms-eval's sample logs: the prompt is the question, the target the answer, pictures lie in ``images/DOC_ID.*``."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from diagnostics.formats.jsonl import json_records
from diagnostics.formats.records import Origin, Record, record_row
from diagnostics.formats.row import Row

DOC_HASH = re.compile(r"[0-9a-f]{16,64}")
MARKS = frozenset({"doc_id", "target"})


def is_lmms(record: Record) -> bool:
    """Whether an object looks like a line of a sample log."""
    return record.keys() >= MARKS and bool({"resps", "filtered_resps"} & record.keys())


def lmms_rows(origin: Origin) -> Iterator[Row]:
    """Every logged document as a row; ``doc_hash`` is kept, so that other logs of it can be joined."""
    for position, (number, record) in enumerate(json_records(origin.path)):
        if isinstance(record, Row):
            yield record
        else:
            row = record_row(number, question_record(record), origin, position=position)
            yield replace(row, cells={**row.cells, "doc_hash": doc_hash_of(record)})


def doc_hash_of(record: Record) -> str:
    """lmms-eval's hash of the document; empty where there is none."""
    said = record.get("doc_hash")
    return said if isinstance(said, str) and DOC_HASH.fullmatch(said) else ""


def question_record(record: Record) -> Record:
    """The document where an old log kept it, else the prompt; the target is the answer."""
    doc = record.get("doc")
    kept = doc if isinstance(doc, Mapping) else {}
    question = {} if kept.get("question") else {"question": record.get("input")}
    return {**kept, **question, "index": record.get("doc_id"), "answer": record.get("target")}
