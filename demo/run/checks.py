"""What must be true before anything is written; each fault is one line that says what to do."""

import shutil
import socket
import sys
from pathlib import Path

from demo.run.client import DemoError
from demo.run.plan import Plan

MIN_FREE = 2 << 30


def check_all(plan: Plan) -> None:
    """Everything that can be known beforehand."""
    check_python()
    check_port(plan.port, "PORT")
    check_port(plan.teacher_port, "DEMO_TEACHER_PORT")
    check_checkpoint(plan.checkpoint)
    check_disk(plan.var)


def check_python(version: tuple[int, int] | None = None) -> None:
    """Python 3.11 or newer."""
    version = version or sys.version_info[:2]
    if version < (3, 11):
        raise DemoError(f"Python 3.11 to 3.13 is needed, this is {version[0]}.{version[1]}.")


def check_port(port: int, variable: str) -> None:
    """Nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoError(f"Port {port} is in use: set {variable} to a free one.") from error


def check_checkpoint(folder: Path) -> None:
    """The mini model is there, whole."""
    if not folder.is_dir():
        raise DemoError(f"The checkpoint folder {folder} is missing: restore it with git checkout demo/checkpoint.")
    missing = [name for name in ("config.json", "model.safetensors", "tokenizer.json") if not (folder / name).exists()]
    if missing:
        raise DemoError(f"{folder} is not the mini model's checkpoint: it lacks {', '.join(missing)}.")


def check_disk(var: Path, needed: int = MIN_FREE) -> None:
    """Room for pictures, runs and checkpoints."""
    var.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(var).free
    if free < needed:
        raise DemoError(f"{var} has {free >> 20} MiB left and {needed >> 20} are needed: free some, or set DPE_VAR.")
