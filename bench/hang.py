"""Runs that hang, each of which must be found and named while the watchdog's limits are 60 s.

A reward that never returns, a child that was stopped (SIGSTOP), a vLLM server that listens and never answers.
``found``: ended by an error; ``named``: by the right one; ``max_seconds``: the longest from a child's start to its end.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

from bench.runs import ROOT, make_run
from core.specs import DATASET_FILE, GrpoSettings

CHOICES: dict[str, Any] = {
    "num_generations": 4, "prompts_per_step": 2, "steps": 400, "micro_batch_size": 4, "max_completion_tokens": 8,
}  # fmt: skip


@dataclass(frozen=True)
class Drill:
    """One way to hang: in which child, with what settings, by whose hand, and the name that it must get."""

    code: str
    module: str = "gpu.train"
    vllm_url: str = ""
    hand: Callable[[Path], None] | None = None


def stop_child(folder: Path) -> None:
    """SIGSTOP to the child once it updates weights."""
    import psutil

    from core.gpu_child import CHILD_FILE
    from core.gpu_runs import progress_read

    news = progress_read(folder)
    if news and news.phase == "update":
        psutil.Process(json.loads((folder / CHILD_FILE).read_text())["pid"]).suspend()


def play(drill: Drill, root: Path) -> tuple[str, float]:
    """The error's name ("" for none) and the seconds until it came."""
    from core.errors import DpeError
    from core.gpu_runs import GpuRun, gpu_run
    from tests.factories import make_context, make_job

    source = root / drill.code
    spec = make_run(source, GrpoSettings(**CHOICES, vllm_url=drill.vllm_url))

    def place(folder: Path) -> None:
        shutil.copyfile(source / DATASET_FILE, folder / DATASET_FILE)

    started = time.monotonic()
    try:
        gpu_run(make_context(make_job()), GpuRun(drill.module, spec, place, drill.hand))
    except DpeError as error:
        print(f"{drill.code}: {str(error)[:300]}", file=sys.stderr)
        return error.code, time.monotonic() - started
    return "", time.monotonic() - started


def drill_all(root: Path) -> dict[str, Any]:
    """All drills, one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        drills = [
            Drill("reward_failed", module="bench.hang_child"),
            Drill("hung", hand=stop_child),
            Drill("server_lost", vllm_url=f"http://127.0.0.1:{silent.getsockname()[1]}"),
        ]
        ends = [(drill.code, *play(drill, root)) for drill in drills]
    return {
        "drills": len(ends),
        "found": sum(code != "" for _, code, _ in ends),
        "named": sum(wanted == code for wanted, code, _ in ends),
        "max_seconds": round(max(seconds for _, _, seconds in ends), 1),
    }


def main() -> None:
    """A fresh database, limits of 60 s, the figures."""
    with tempfile.TemporaryDirectory() as var:
        os.environ |= {"DPE_VAR": var, "DPE_WATCHDOG_S": "60", "DJANGO_SETTINGS_MODULE": "dpe_site.settings"}
        os.environ.pop("DATABASE_URL", None)
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, check=True)
        django.setup()
        print(json.dumps(drill_all(Path(var) / "drills")))


if __name__ == "__main__":
    main()
