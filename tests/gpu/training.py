"""RUN_DIRs for training the tiny model."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from core.domain.files import hash_checkpoint, hash_file
from core.domain.prompts import question_messages
from core.specs import DATASET_FILE, METRICS_FILE, GrpoSettings, MetricRow, Places, TrainSpec
from tests.gpu.runs import write_spec

SETTINGS: dict[str, Any] = {
    "learning_rate": 2e-3, "beta": 0.04, "num_generations": 4, "prompts_per_step": 2, "steps": 8,
    "steps_per_generation": 2, "micro_batch_size": 4, "max_completion_tokens": 8, "save_every": 2,
    "mask_truncated_completions": False,
}  # fmt: skip


def png(number: int, side: int = 56) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 255, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def make_rows(count: int = 6, side: int = 56) -> list[dict[str, Any]]:
    """Samples of two skills; the last has no picture."""
    rows = []
    for i in range(count):
        has_picture = i < count - 1
        messages = question_messages("Red?" + "!" * i, num_images=int(has_picture))
        rows.append({
            "prompt": messages, "images": [{"bytes": png(i, side), "path": None}] * has_picture,
            "solution": "red", "answer_type": "text", "options": None,
            "skill": ["warm", "cold"][i % 2], "sample_id": f"s{i}", "mixture_hash": "m",
        })  # fmt: skip
    return rows


def train_run(checkpoint: Path, folder: Path, rows: list[dict[str, Any]] | None = None, **choices: Any) -> TrainSpec:
    """RUN_DIR with 6 rows and settings for 8 steps: two and two thirds passes, two steps a generation."""
    folder.mkdir(parents=True)
    images = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    table = pa.Table.from_pylist(make_rows() if rows is None else rows)
    if "images" in table.column_names:
        table = table.set_column(table.column_names.index("images"), "images", table["images"].cast(images))
    pq.write_table(table, folder / DATASET_FILE)
    spec = TrainSpec(
        checkpoint_hash=hash_checkpoint(checkpoint),
        seed=5,
        dataset_hash=hash_file(folder / DATASET_FILE),
        settings=GrpoSettings(**(SETTINGS | choices)),
        places=Places(checkpoint=checkpoint, threads=1),
    )
    write_spec(folder, spec)
    return spec


def read_curves(folder: Path) -> dict[tuple[int, str, str], float]:
    """(step, name, skill) -> value; of rows that come again, the last."""
    lines = (folder / METRICS_FILE).read_text().splitlines()
    rows = [MetricRow.model_validate_json(line) for line in lines]
    return {(row.step, row.name, row.skill): row.value for row in rows}
