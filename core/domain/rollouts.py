"""The completions that a training run drew, as files in RUN_DIR: what the child writes and the pages read.

``rollouts/step-000007.parquet`` holds one generation, named by the first step that learns from it: one row a
completion, one row group a prompt, so that one prompt's completions are read without the others'. It is written whole;
a replayed step writes it again. ``turns.jsonl`` gets a ``PromptTurn`` a prompt after that: what lists need, and
where the completions lie.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from core.domain.files import write_atomic

ROLLOUTS_FOLDER, TURNS_FILE = "rollouts", "turns.jsonl"
MAX_EXTRACTED = 300
Said = Literal["correct", "incorrect", "unscored"]


class Rollout(BaseModel):
    """One completion with its reward, the parts of that, and the answer that was read in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_ix: int
    text: str
    num_tokens: int
    is_truncated: bool
    reward: float | None
    parts: dict[str, float]
    extracted: str
    detail: str
    verdict: Said


class PromptTurn(BaseModel):
    """One prompt's turn at one step: ``place`` is its row group in the step's file. Means are over its completions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    place: int
    sample_id: str
    skill: str
    purpose: str
    num: int
    num_correct: int
    num_unscored: int
    num_truncated: int
    mean_tokens: float
    reward: float | None


SCHEMA = pa.schema(
    [
        ("sample_ix", pa.int32()),
        ("text", pa.string()),
        ("num_tokens", pa.int32()),
        ("is_truncated", pa.bool_()),
        ("reward", pa.float64()),
        ("parts", pa.map_(pa.string(), pa.float64())),
        ("extracted", pa.string()),
        ("detail", pa.string()),
        ("verdict", pa.string()),
    ]
)


def rollouts_path(folder: Path, step: int) -> Path:
    """The file of the generation that ``step`` is the first to learn from."""
    return folder / ROLLOUTS_FOLDER / f"step-{step:06d}.parquet"


def rollouts_write(path: Path, groups: Sequence[Sequence[Rollout]]) -> None:
    """One row group a prompt, compressed by zstd; the file is whole or absent."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, SCHEMA, compression="zstd", write_statistics=False) as writer:
        for group in groups:
            writer.write_table(pa.Table.from_pylist([arrow_row(row) for row in group], schema=SCHEMA))
    write_atomic(path, sink.getvalue().to_pybytes())


def arrow_row(row: Rollout) -> dict[str, Any]:
    """The row as Arrow takes it; text that no file can hold (a lone half of a pair) is replaced."""
    clean = row.model_dump()
    for name in ("text", "extracted"):
        clean[name] = clean[name].encode(errors="replace").decode()
    return {**clean, "parts": list(row.parts.items())}


def rollouts_read(path: Path, place: int) -> list[Rollout] | None:
    """One prompt's completions; None where the file is not here or does not hold them."""
    try:
        with pq.ParquetFile(path) as file:
            rows = file.read_row_group(place).to_pylist() if 0 <= place < file.num_row_groups else None
    except (OSError, pa.ArrowException):
        return None
    return None if rows is None else [Rollout(**{**row, "parts": dict(row["parts"])}) for row in rows]


def turn_of(rows: Sequence[Rollout], *, step: int, place: int, sample_id: str, skill: str, purpose: str) -> PromptTurn:
    """What lists say of one prompt's completions; a reward of None counts in no mean."""
    known = [row.reward for row in rows if row.reward is not None]
    return PromptTurn(
        step=step,
        place=place,
        sample_id=sample_id,
        skill=skill,
        purpose=purpose,
        num=len(rows),
        num_correct=sum(row.verdict == "correct" for row in rows),
        num_unscored=sum(row.verdict == "unscored" for row in rows),
        num_truncated=sum(row.is_truncated for row in rows),
        mean_tokens=sum(row.num_tokens for row in rows) / len(rows),
        reward=sum(known) / len(known) if known else None,
    )
