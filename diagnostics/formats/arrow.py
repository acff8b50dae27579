"""Hugging Face datasets: parquet and Arrow files, read a few rows at a time."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from core.errors import InvalidInput
from diagnostics.formats.records import Origin, Record, record_row
from diagnostics.formats.row import Row

BATCH_ROWS = 32
DAMAGED = (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError)


def parquet_rows(origin: Origin) -> Iterator[Row]:
    """Every row of a parquet file."""
    return table_rows(parquet_batches(origin.path), origin)


def arrow_rows(origin: Origin) -> Iterator[Row]:
    """Every row of an Arrow file or stream (``save_to_disk`` writes streams)."""
    return table_rows(arrow_batches(origin.path), origin)


def parquet_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """A few rows at a time, whatever the size of the file's row groups."""
    with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
        yield from file.iter_batches(batch_size=BATCH_ROWS, use_threads=False)


def arrow_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Batches of either kind, not copied."""
    with path.open("rb") as file:
        is_file = file.read(6) == b"ARROW1"
    with pa.memory_map(str(path)) as source:
        if is_file:
            reader = ipc.open_file(source)
            yield from (reader.get_batch(number) for number in range(reader.num_record_batches))
        else:
            yield from ipc.open_stream(source)


def table_rows(batches: Iterator[pa.RecordBatch], origin: Origin) -> Iterator[Row]:
    """Rows counted from 1, each as a record."""
    for position, record in enumerate(records_of(batches)):
        yield record_row(position + 1, record, origin, position=position)


def records_of(batches: Iterator[pa.RecordBatch]) -> Iterator[Record]:
    """Python values row by row; InvalidInput with the place where the file turns out to be damaged."""
    number = 0
    try:
        for batch in batches:
            batch.validate(full=True)
            for start in range(0, batch.num_rows, BATCH_ROWS):
                for record in batch.slice(start, BATCH_ROWS).to_pylist():
                    number += 1
                    yield record
    except DAMAGED as error:
        message = f"row {number + 1} or later: the file is damaged ({str(error)[:120]})."
        raise InvalidInput(message, field="path") from error
