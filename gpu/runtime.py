"""What every child of the GPU border does: one at a time in RUN_DIR, ends with its parent, says how it goes.

A child reads ``spec.json``, writes ``progress.json`` while it works, ``error.json`` when it fails by a named error,
and ``result.json`` last and whole. This module imports no torch: a child that may not run says so at once.
"""

import ctypes
import fcntl
import json
import logging
import os
import resource
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from core.domain.files import hash_checkpoint, hash_file, write_atomic
from core.specs import (
    ERROR_FILE,
    LOCK_FILE,
    PARENT_PIPE,
    PROGRESS_FILE,
    RESULT_FILE,
    SPEC_FILE,
    Phase,
    Progress,
    RunResult,
    Spec,
)
from gpu.errors import GpuFault, named_error, one_line

SpecT = TypeVar("SpecT", bound=Spec)
PROGRESS_EVERY_S = 0.5
PARENT_LOOK_S = 2.0
PR_SET_PDEATHSIG = 1
EXIT_FAILED, EXIT_LOCKED = 1, 75
VERSIONS = ("torch", "transformers", "trl", "accelerate", "tokenizers", "vllm")


def is_first() -> bool:
    """Whether this is the only process of the run, or the first of several: only that one writes."""
    return os.environ.get("RANK", "0") == "0"


class ProgressFile:
    """Writes ``progress.json``: at once when the phase changes or all is done, else at most twice a second."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = folder / PROGRESS_FILE
        self._is_written = is_first()
        self._clock = clock
        self._written_at = float("-inf")
        self._phase: Phase | None = None
        self._beat = 0

    def show(self, phase: Phase, done: int, total: int, unit: str) -> None:
        """Say what is being done and how far it is; every call is a sign of life."""
        self._beat += 1
        now = self._clock()
        if phase == self._phase and done < total and now - self._written_at < PROGRESS_EVERY_S:
            return
        self._phase, self._written_at = phase, now
        if not self._is_written:
            return
        news = Progress(phase=phase, done=done, total=total, unit=unit, beat=self._beat)
        write_atomic(self._path, news.model_dump_json())


class Run:
    """One run in its folder: the time it began, and its progress file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.progress = ProgressFile(folder)
        self.started = time.monotonic()

    def loading(self) -> None:
        """A sign of life while large files are read."""
        self.progress.show("load", 0, 1, "model")

    def facts(self) -> dict[str, Any]:
        """What every result says: seconds, peak memory, versions."""
        return {
            "seconds": round(time.monotonic() - self.started, 3),
            "peak_rss_mb": round(peak_rss_mb(), 1),
            "versions": installed_versions(),
        }

    def check_file(self, name: str, wanted_hash: str) -> Path:
        """The path of an input file; ``bad_input`` when it is not the very file that the spec names."""
        path = self.folder / name
        if not path.is_file():
            raise GpuFault("bad_input", f"{name} is missing in {self.folder}.")
        if hash_file(path) != wanted_hash:
            raise GpuFault("bad_input", f"{name} is not the file that the spec names: its sha256 differs.")
        return path


def run_child(spec_type: type[SpecT], work: Callable[[Run, SpecT], RunResult | None]) -> int:
    """The whole life of ``python -m gpu.X RUN_DIR``; returns the exit code: 0, failed, or locked out.

    Of several ranks the first holds the lock and writes the result (``work`` gives None on the others); the first to
    fail writes why.
    """
    end_with_parent()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    warnings.simplefilter("ignore", FutureWarning)  # from libraries to us: it would drown the log on the page
    folder = Path(sys.argv[1]).resolve()
    try:
        with locked(folder):
            return _run_locked(folder, spec_type, work)
    except BlockingIOError:
        print(f"Another child already works in {folder}: it holds {LOCK_FILE}.", file=sys.stderr)  # noqa: T201
        return EXIT_LOCKED


def _run_locked(folder: Path, spec_type: type[SpecT], work: Callable[[Run, SpecT], RunResult | None]) -> int:
    if (folder / RESULT_FILE).exists():
        return 0
    if is_first():
        (folder / ERROR_FILE).unlink(missing_ok=True)
    try:
        run = Run(folder)
        run.progress.show("load", 0, 1, "model")
        result = work(run, read_spec(run, spec_type))
    except Exception as error:
        traceback.print_exc()
        if (named := named_error(error)) and not (folder / ERROR_FILE).exists():
            write_atomic(folder / ERROR_FILE, named.model_dump_json())
        return EXIT_FAILED
    if result:
        write_atomic(folder / RESULT_FILE, result.model_dump_json(indent=1))
    return 0


def read_spec(run: Run, spec_type: type[SpecT]) -> SpecT:
    """The checked spec, its log level and checkpoint hash applied; ``bad_input`` or ``bad_checkpoint`` else."""
    try:
        spec = spec_type.model_validate_json((run.folder / SPEC_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise GpuFault("bad_input", f"{SPEC_FILE} cannot be read: {one_line(error)}") from error
    logging.getLogger().setLevel(spec.places.log_level)
    checkpoint = spec.places.checkpoint
    if not checkpoint.is_dir():
        raise GpuFault("bad_checkpoint", f"{checkpoint} is no folder.")
    if hash_checkpoint(checkpoint, run.loading) != spec.checkpoint_hash:
        raise GpuFault("bad_checkpoint", f"{checkpoint} is not the checkpoint that the spec names: its hash differs.")
    return spec


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold RUN_DIR's lock; BlockingIOError at once when another run holds it. Further ranks share the first's."""
    if not is_first():
        yield
        return
    with (folder / LOCK_FILE).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def end_with_parent() -> None:
    """Make sure that this process never outlives its parent, even when the parent is killed."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()
    if os.environ.pop(PARENT_PIPE, ""):
        threading.Thread(target=_watch_pipe, daemon=True).start()


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_LOOK_S)
    os.kill(os.getpid(), signal.SIGKILL)


def _watch_pipe() -> None:
    """Standard input comes from the worker, also through a launcher in between; it ends when the worker does."""
    while os.read(0, 1):
        continue
    os.kill(os.getpid(), signal.SIGKILL)


def peak_rss_mb() -> float:
    """The most memory (MB) that this process itself ever held; children do not count.

    ``VmHWM`` where Linux offers it: ``getrusage`` inherits the peak of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def installed_versions() -> dict[str, str]:
    """Which versions of the libraries that matter made this result."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def truncate_torn_line(path: Path) -> None:
    """Cut a last line that was not finished, so that appending goes on after a whole one."""
    if path.exists():
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(path, whole)


def append_lines(path: Path, lines: list[str]) -> None:
    """Append lines and return when they have reached the disk."""
    with path.open("ab") as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
        file.flush()
        os.fsync(file.fileno())


def load_json(text: str, what: str) -> Any:
    """Parse JSON that a worker wrote; ``bad_input`` naming ``what`` when it is none."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise GpuFault("bad_input", f"{what} is not JSON: {one_line(error)}") from error
