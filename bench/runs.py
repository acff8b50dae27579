"""RUN_DIRs for benchmarks of training: noisy pictures, one question, and a spec, with children that run in them."""

import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from core.domain.files import hash_checkpoint, hash_file, write_atomic
from core.domain.prompts import question_messages
from core.specs import DATASET_FILE, SPEC_FILE, Device, GrpoSettings, Places, Precision, TrainSpec

ROOT = Path(__file__).resolve().parents[1]
MINI = ROOT / "demo" / "checkpoint"
PICTURES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))


def picture(number: int, pixels: int) -> bytes:
    """A square of noise as PNG."""
    noise = np.random.default_rng(number).integers(0, 255, (pixels, pixels, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass(frozen=True)
class Rows:
    """How many rows, the side of their pictures, and how many lengths their prompts have."""

    number: int = 6
    pixels: int = 112
    lengths: int = 5


def write_dataset(path: Path, wanted: Rows) -> str:
    """Rows whose prompts differ in their pictures and their length; the file's hash."""
    rows: list[dict[str, Any]] = [
        {
            "prompt": question_messages(
                "How many things are there" + "?" * (1 + number % wanted.lengths), num_images=1
            ),
            "images": [{"bytes": picture(number, wanted.pixels), "path": None}],
            "solution": str(number % 10),
            "answer_type": "number",
            "options": None,
            "skill": f"skill-{number % 2}",
            "sample_id": f"s{number}",
        }
        for number in range(wanted.number)
    ]
    table = pa.Table.from_pylist(rows)
    place = table.column_names.index("images")
    pq.write_table(table.set_column(place, "images", table["images"].cast(PICTURES)), path)
    return hash_file(path)


def make_run(
    folder: Path,
    settings: GrpoSettings,
    *,
    checkpoint: Path = MINI,
    rows: Rows = Rows(),
    device: Device = "cpu",
    dtype: Precision | None = None,
) -> TrainSpec:
    """RUN_DIR ready for ``python -m gpu.train``; weights are fp32, and autocast is bf16 on CUDA unless told."""
    folder.mkdir(parents=True)
    spec = TrainSpec(
        checkpoint_hash=hash_checkpoint(checkpoint),
        seed=5,
        device=device,
        dtype=dtype or ("float32" if device == "cpu" else "bfloat16"),
        dataset_hash=write_dataset(folder / DATASET_FILE, rows),
        settings=settings,
        places=Places(checkpoint=checkpoint, threads=1 if device == "cpu" else 0),
    )
    write_atomic(folder / SPEC_FILE, spec.model_dump_json())
    return spec


def child_environment() -> dict[str, str]:
    """One thread on CPU, no hub."""
    quiet = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    return {"OMP_NUM_THREADS": "1", **os.environ, **quiet}


def run_module(module: str, *arguments: str) -> int:
    """The exit status of a child process; what it says is shown when it fails by itself."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=child_environment(), capture_output=True, text=True, check=False)
    if done.returncode > 0:
        print(done.stdout[-2000:], done.stderr[-4000:], file=sys.stderr)
    return done.returncode
