"""The rows of ``dataset.parquet`` and the order in which a training run sees them."""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from gpu.errors import GpuFault, one_line
from gpu.pictures import picture_size, read_picture
from gpu.runtime import load_json

COLUMNS = ("prompt", "images", "solution", "answer_type", "options", "skill", "sample_id")
PICTURES_KEPT = 512


def clean_prompt(prompt: Any, sample_id: str) -> list[dict[str, Any]]:
    """The messages with blocks of ``type`` and, for text, ``text`` alone.

    They may be a JSON string or Arrow structs. Arrow fills keys that a block does not have with None, and an
    ``image`` key that is None would count as a picture that is already there.
    """
    messages = load_json(prompt, f"The prompt of sample {sample_id}") if isinstance(prompt, str) else prompt
    return [{"role": message["role"], "content": _clean_blocks(message["content"])} for message in messages]


def _clean_blocks(content: Any) -> list[dict[str, str]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [{"type": "image"} if b["type"] == "image" else {"type": "text", "text": b["text"]} for b in content]


def _clean_facts(row: dict[str, Any]) -> dict[str, Any]:
    options = row["options"]
    as_json = options if isinstance(options, str) else json.dumps(options) if options else ""
    return {**row, "prompt": clean_prompt(row["prompt"], row["sample_id"]), "options": as_json}


class TrainingRows:
    """The samples of a dataset file by number, as TRL reads them; pictures are decoded when asked for."""

    def __init__(self, path: Path, *, is_checked: bool = True) -> None:
        """``is_checked`` refuses a file in which a sample cannot be asked; else ``unasked`` names those samples."""
        self._table = self._read(path)
        self._name = f"{path} {path.stat().st_size}"
        columns = self._table.drop_columns(["images"]).to_pylist()
        self._facts = [_clean_facts(row) for row in columns]
        self._pictures = lru_cache(maxsize=PICTURES_KEPT)(self._decode)
        if is_checked and (unasked := self.unasked()):
            raise GpuFault("bad_input", f"Sample {unasked[0]} asks for another number of pictures than it has.")

    def __len__(self) -> int:
        return len(self._facts)

    def __reduce__(self) -> Any:
        """Named by their file: `datasets` hashes a transform by pickling it, and the pictures are large."""
        return str, (self._name,)

    def __deepcopy__(self, memo: object) -> "TrainingRows":
        """Datasets are copied with their transform, which never changes."""
        return self

    def __call__(self, batch: dict[str, list[int]]) -> dict[str, list[Any]]:
        """A ``datasets`` transform: from row numbers to columns. Equal numbers share their pictures."""
        names = [name for name in self._facts[0] if name != "mixture_hash"]
        columns: dict[str, list[Any]] = {name: [self._facts[i][name] for i in batch["row"]] for name in names}
        return {**columns, "images": [self._pictures(i) for i in batch["row"]]}

    @staticmethod
    def _read(path: Path) -> pa.Table:
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise GpuFault("bad_input", f"{path.name} cannot be read: {one_line(error)}") from error
        if lacking := [name for name in COLUMNS if name not in table.column_names]:
            raise GpuFault("bad_input", f"{path.name} lacks the columns {', '.join(lacking)}.")
        if table.num_rows == 0:
            raise GpuFault("bad_input", f"{path.name} has no rows.")
        return table

    def facts(self, number: int) -> dict[str, Any]:
        """One sample without its pictures."""
        return self._facts[number]

    def unasked(self) -> list[str]:
        """Samples whose prompt asks for another number of pictures than they have."""
        return [facts["sample_id"] for number, facts in enumerate(self._facts) if self._is_unasked(number, facts)]

    def _is_unasked(self, number: int, facts: dict[str, Any]) -> bool:
        asked = sum(block["type"] == "image" for message in facts["prompt"] for block in message["content"])
        return bool(asked != len(self._table["images"][number]))

    def sizes(self, number: int) -> list[tuple[int, int]]:
        """Width and height of the sample's pictures, read from their heads alone; ``bad_input`` names the sample."""
        name = f"of sample {self._facts[number]['sample_id']}"
        return [picture_size(picture["bytes"] or b"", name) for picture in self._table["images"][number].as_py()]

    def _decode(self, number: int) -> list[Image.Image]:
        name = f"of sample {self._facts[number]['sample_id']}"
        return [read_picture(picture["bytes"] or b"", name) for picture in self._table["images"][number].as_py()]


def schedule(num_rows: int, num_needed: int, seed: int) -> list[int]:
    """Row numbers in the order of training: one shuffled pass after another, each in an order of its own.

    All passes together are *one* epoch for TRL: its sampler would repeat the first order after a resume.
    """
    passes = -(-num_needed // num_rows)
    orders = [np.random.default_rng([seed, number]).permutation(num_rows) for number in range(passes)]
    return [int(row) for row in np.concatenate(orders)[:num_needed]]


def training_dataset(rows: TrainingRows, order: Sequence[int]) -> datasets.Dataset:
    """A dataset that gives ``rows`` in ``order``."""
    dataset = datasets.Dataset.from_dict({"row": list(order)})
    dataset.set_transform(rows)
    return dataset
