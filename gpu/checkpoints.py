"""Resumable checkpoints in RUN_DIR, and the final folder."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch

from core.domain.files import CHECKPOINT_SUFFIXES, write_atomic
from core.specs import FINAL_FOLDER

COMPLETE_FILE = "complete"
WEIGHTS = (".safetensors", ".bin", ".safetensors.index.json", ".bin.index.json")


def checkpoints(folder: Path) -> list[Path]:
    """``checkpoint-N`` folders, oldest first."""
    return sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))


def mark_complete(folder: Path, step: int) -> None:
    """Say that this checkpoint was written to its end."""
    write_atomic(folder / f"checkpoint-{step}" / COMPLETE_FILE, "")


def newest_complete(folder: Path) -> Path | None:
    """The newest checkpoint that was written to its end; torn ones are removed."""
    whole = None
    for path in checkpoints(folder):
        if (path / COMPLETE_FILE).exists():
            whole = path
        else:
            shutil.rmtree(path)
    return whole


def remove_checkpoints(folder: Path) -> None:
    """Remove all of them: the run is over."""
    for path in checkpoints(folder):
        shutil.rmtree(path)


def stored_dtype(source: Path) -> torch.dtype:
    """The dtype in which the folder's config says its weights are stored; float32 when it does not say."""
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    dtype: torch.dtype = getattr(torch, str(config.get("dtype") or config.get("torch_dtype") or "float32"))
    return dtype


def write_final(model: Any, source: Path, folder: Path) -> Path:
    """``RUN_DIR/final``, whole or absent: the weights in the dtype of ``source``, all else as ``source`` has it.

    The model is cast in place: call this when training is over.
    """
    target = folder / FINAL_FOLDER
    for leftover in folder.glob(f".{FINAL_FOLDER}.*"):
        shutil.rmtree(leftover)
    if target.exists():
        shutil.rmtree(target)
    made = Path(tempfile.mkdtemp(dir=folder, prefix=f".{FINAL_FOLDER}."))
    model.to(stored_dtype(source)).save_pretrained(made)
    for path in source.iterdir():
        if path.is_file() and path.suffix in CHECKPOINT_SUFFIXES and not path.name.endswith(WEIGHTS):
            shutil.copyfile(path, made / path.name)
    made.chmod(0o755)
    made.replace(target)
    return target
