"""Who runs a job: host, boot, pid and the process's start time, so that a reused pid is not mistaken for it."""

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Lease:
    """The identity of one process on one boot of one host."""

    host: str
    boot: str
    pid: int
    started: float


@cache
def boot_id() -> str:
    """What differs after every reboot of this host."""
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else str(int(psutil.boot_time()))


def own_lease() -> Lease:
    """The lease that this process takes on a job."""
    pid = os.getpid()
    return Lease(socket.gethostname(), boot_id(), pid, psutil.Process(pid).create_time())


def is_gone(lease: Lease) -> bool:
    """Whether the process is surely dead; only its own host can say, other hosts answer False."""
    if lease.host != socket.gethostname():
        return False
    if lease.boot != boot_id():
        return True
    try:
        process = psutil.Process(lease.pid)
        return process.status() == psutil.STATUS_ZOMBIE or abs(process.create_time() - lease.started) > 1.0
    except psutil.NoSuchProcess:
        return True
