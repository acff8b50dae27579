"""The parquet file that trainers read: TRL's columns, pictures inside, Hugging Face's feature description beside them.

Written with pyarrow alone: the ``datasets`` library imports torch, which no web or worker process may load.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.domain.prompts import question_messages
from core.media import media_path

ROW_GROUP = 50
STRING = {"dtype": "string", "_type": "Value"}
BLOCK = {"type": STRING, "text": STRING}
FEATURES = {
    "prompt": {
        "feature": {"role": STRING, "content": {"feature": BLOCK, "_type": "List"}},
        "_type": "List",
    },
    "images": {"feature": {"_type": "Image"}, "_type": "List"},
    **dict.fromkeys(("solution", "answer_type", "options", "skill", "purpose", "sample_id", "mixture_hash"), STRING),
}
SCHEMA = pa.schema(
    [
        (
            "prompt",
            pa.list_(
                pa.struct(
                    [
                        ("role", pa.string()),
                        ("content", pa.list_(pa.struct([("type", pa.string()), ("text", pa.string())]))),
                    ]
                )
            ),
        ),
        ("images", pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))),
        *((name, pa.string()) for name in list(FEATURES)[2:]),
    ],
    metadata={"huggingface": json.dumps({"info": {"features": FEATURES}})},
)


@dataclass(frozen=True)
class TrainingRow:
    """One sample as the trainer gets it; ``image`` is a sha256 name."""

    image: str
    question: str
    options: dict[str, str]
    solution: str
    answer_type: str
    skill: str
    purpose: str
    sample_id: str
    mixture_hash: str

    def arrow(self) -> dict[str, Any]:
        """The row with its picture and the prompt that diagnosis and evaluation use too."""
        row = asdict(self)
        image, question, options = row.pop("image"), row.pop("question"), row.pop("options")
        row["options"] = json.dumps(options, sort_keys=True)
        row["images"] = [{"bytes": media_path(image).read_bytes(), "path": image}]
        row["prompt"] = question_messages(question, options)
        return row


def parquet_write(path: Path, rows: Iterable[TrainingRow], tick: Callable[[], None]) -> None:
    """The rows as one parquet file in small row groups; the same rows give the same bytes. No more than a row group
    is held in memory; ``tick`` is called after each."""
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for group in batched(iter(rows), ROW_GROUP):
            writer.write_table(pa.Table.from_pylist([row.arrow() for row in group], schema=SCHEMA))
            tick()


def batched(rows: Iterator[TrainingRow], size: int) -> Iterator[list[TrainingRow]]:
    """Lists of at most ``size`` rows."""
    while group := list(islice(rows, size)):
        yield group
