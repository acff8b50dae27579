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
    return not is_still(lease.pid, lease.started)


def is_here(lease: Lease) -> bool:
    """Whether that very process still runs on this host."""
    return (lease.host, lease.boot) == (socket.gethostname(), boot_id()) and is_still(lease.pid, lease.started)


def is_still(pid: int, started: float) -> bool:
    """Whether the process that started then still runs under this pid."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
