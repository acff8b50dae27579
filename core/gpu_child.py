"""The child of the GPU border as a process: how it is started, here or elsewhere, recorded, looked at and ended.

``DPE_GPU_LAUNCHER`` starts it elsewhere: a command that passes standard input on and ends with the child. All else
crosses in RUN_DIR. The process of this host is then the launcher; whoever started it is recorded with its host.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import psutil
from django.conf import settings

from core.domain.files import write_atomic
from core.domain.launcher import child_words, template_fill
from core.errors import GpuJobFailed
from core.gpu_devices import NO_DEVICES, Devices
from core.jobs.lease import Lease, is_here, own_lease
from core.specs import ERROR_FILE, PARENT_PIPE, RESULT_FILE

CHILD_FILE = "child.json"
GRACE_S = 60.0
DUMP_S = 20.0
NEWS_S = 30.0
LOOK_S = 0.05
QUIET = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1", PARENT_PIPE: "1"}


@dataclass(frozen=True)
class Child:
    """What is to be started: a module in its RUN_DIR, on so many GPUs, with so many threads (0: torch's choice)."""

    module: str
    folder: Path
    gpus: int = 1
    threads: int = 0

    @property
    def words(self) -> list[str]:
        """The child's command: one process, or torchrun with one process a GPU."""
        return child_words(self.module, str(self.folder), self.gpus)

    @property
    def environment(self) -> dict[str, str]:
        """What it must find in its environment: threads pinned before torch starts, no tokenizer threads, no hub."""
        return QUIET | ({"OMP_NUM_THREADS": str(self.threads)} if self.threads else {})

    @property
    def command(self) -> list[str]:
        """What this host runs: the child, or the launcher, which gets the environment as words of the child."""
        if not settings.GPU_LAUNCHER:
            return self.words
        given = {"PYTHONPATH": str(settings.ROOT), **self.environment}
        child = ["env", *(f"{name}={value}" for name, value in given.items()), *self.words]
        fields = {"run_dir": self.folder, "gpus": self.gpus, "root": settings.ROOT, "name": self.folder.name}
        return template_fill(settings.GPU_LAUNCHER, child, {name: str(value) for name, value in fields.items()})


def child_start(child: Child, log: BinaryIO, devices: Devices = NO_DEVICES) -> "subprocess.Popen[bytes]":
    """Start it in a process group of its own, its standard input a pipe from here, and record it in its RUN_DIR.

    It sees and holds ``devices``, if some are given out.
    """
    command = child.command
    try:
        started = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.PIPE,
            start_new_session=True,
            cwd=settings.ROOT,
            env={**os.environ, **child.environment, **devices.environment},
            pass_fds=devices.files,
        )
    except OSError as error:
        raise GpuJobFailed(f"{command[0]} cannot be started: {error}. See DPE_GPU_LAUNCHER.") from error
    here = own_lease()
    record = Lease(here.host, here.boot, started.pid, psutil.Process(started.pid).create_time())
    write_atomic(child.folder / CHILD_FILE, json.dumps(asdict(record)))
    return started


def news_await(folder: Path) -> None:
    """Wait until a child's last file of another host is seen here: shared folders show it some seconds late.

    Listing the folder makes NFS ask its server; looking for one name may be answered from memory.
    """
    deadline = time.monotonic() + NEWS_S
    while not {RESULT_FILE, ERROR_FILE} & {path.name for path in folder.iterdir()} and time.monotonic() < deadline:
        time.sleep(LOOK_S)


def stack_dumps(pid: int) -> str:
    """Where the child and all that it started stand: state (one that is ``stopped`` got SIGSTOP) and Python stack."""
    if settings.GPU_LAUNCHER:
        return "No stack can be read: DPE_GPU_LAUNCHER started the child, which may run on another host."
    try:
        child = psutil.Process(pid)
        family = [child, *child.children(recursive=True)]
        return "\n".join(f"Process {one.pid} is {one.status()}.\n{stack_dump(one.pid)}" for one in family)[:8000]
    except psutil.NoSuchProcess:
        return "It ended while its stack was read."


def stack_dump(pid: int) -> str:
    """Where every Python thread of a process stands, by py-spy; why it cannot be seen otherwise."""
    spy = Path(sys.executable).with_name("py-spy")
    command = [str(spy), "dump", "--nonblocking", "--pid", str(pid)]
    try:
        dump = subprocess.run(command, capture_output=True, text=True, timeout=DUMP_S, check=False)
    except (subprocess.TimeoutExpired, OSError) as error:
        return f"py-spy gave no stack: {error}"
    return dump.stdout or dump.stderr


def end_leftover(folder: Path) -> None:
    """End what a killed attempt left running here: the recorded process, if it is still the same one.

    One of another host is left alone: its pid says nothing here, and its pipe has ended with its worker.
    """
    path = folder / CHILD_FILE
    if not path.exists():
        return
    left = Lease(**{**asdict(own_lease()), **json.loads(path.read_text())})
    if is_here(left):
        end_group(left.pid, lambda: None if is_here(left) else 0)
    path.unlink()


def end_group(pid: int, poll: Callable[[], object]) -> None:
    """SIGTERM to the process group, a minute of grace, SIGKILL. One that is stopped must run to hear of it."""
    deadline = time.monotonic() + GRACE_S
    send_signal(pid, signal.SIGTERM)
    send_signal(pid, signal.SIGCONT)
    while poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    send_signal(pid, signal.SIGKILL)
    while poll() is None:
        time.sleep(0.05)


def send_signal(pid: int, what: signal.Signals) -> None:
    """Signal a whole process group, if it is still there."""
    with suppress(ProcessLookupError):
        os.killpg(pid, what)
