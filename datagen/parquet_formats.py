"""A dataset's parquet file in the columns of other trainers, row group by row group, while it is sent."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datagen.parquet import STRING

Row = dict[str, Any]

IMAGES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
TURN = pa.struct([("role", pa.string()), ("content", pa.string())])
TRUTH = pa.struct([("style", pa.string()), ("ground_truth", pa.string())])
EXTRA = pa.struct([(name, pa.string()) for name in ("sample_id", "answer_type", "options", "purpose", "mixture_hash")])


def easyr1_row(row: Row) -> Row:
    """EasyR1's columns: the problem with ``<image>`` where the picture stands, its answer, the pictures."""
    return {"problem": problem_text(row), "answer": row["solution"], "images": row["images"]}


def verl_row(row: Row) -> Row:
    """verl's columns; ``ability`` is the skill, and a rule compares with the ground truth."""
    return {
        "data_source": "dpe_studio",
        "prompt": [{"role": "user", "content": problem_text(row)}],
        "images": row["images"],
        "ability": row["skill"],
        "reward_model": {"style": "rule", "ground_truth": row["solution"]},
        "extra_info": {field.name: row[field.name] for field in EXTRA},
    }


FIELDS: dict[str, tuple[list[tuple[str, pa.DataType]], Callable[[Row], Row]]] = {
    "easyr1": ([("problem", pa.string()), ("answer", pa.string()), ("images", IMAGES)], easyr1_row),
    "verl": (
        [
            ("data_source", pa.string()),
            ("prompt", pa.list_(TURN)),
            ("images", IMAGES),
            ("ability", pa.string()),
            ("reward_model", TRUTH),
            ("extra_info", EXTRA),
        ],
        verl_row,
    ),
}


def schema_of(fields: list[tuple[str, pa.DataType]]) -> pa.Schema:
    """The columns with Hugging Face's description of them, which says that pictures are pictures."""
    features = {name: feature_of(kind) for name, kind in fields}
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def feature_of(kind: pa.DataType) -> Any:
    """One type as Hugging Face describes it."""
    if kind == IMAGES:
        return {"feature": {"_type": "Image"}, "_type": "List"}
    if pa.types.is_list(kind):
        return {"feature": feature_of(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {field.name: feature_of(field.type) for field in kind}
    return STRING


class Outlet:
    """A file to write to whose bytes are taken away again as soon as they are there."""

    closed = False

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size = 0

    def write(self, data: Any) -> int:
        """Keep the bytes until they are taken."""
        piece = bytes(data)
        self.pieces.append(piece)
        self.size += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Where the next byte goes."""
        return self.size

    def flush(self) -> None:
        """Nothing lies anywhere else."""

    def close(self) -> None:
        """Nothing to give back."""

    def take(self) -> bytes:
        """What was written since the last time."""
        taken, self.pieces = b"".join(self.pieces), []
        return taken


def parquet_as(path: Path, kind: str) -> Iterator[bytes]:
    """The rows of ``path`` as a parquet file of one of FIELDS, a piece for every row group."""
    fields, change = FIELDS[kind]
    schema, outlet = schema_of(fields), Outlet()
    with pq.ParquetFile(path) as source, pq.ParquetWriter(outlet, schema, compression="zstd") as writer:
        for group in range(source.num_row_groups):
            rows = [change(row) for row in source.read_row_group(group).to_pylist()]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            yield outlet.take()
    yield outlet.take()


def problem_text(row: Row) -> str:
    """The prompt as one text, ``<image>`` in the place of a picture."""
    blocks = [block for turn in row["prompt"] for block in turn["content"]]
    return "".join("<image>" if block["type"] == "image" else block["text"] for block in blocks)
