"""Which GPUs of this host a run may use: each is held by a lock on a file, by the worker and by its child.

The child inherits the locks, so a GPU is free when nobody is left who uses it, also after the worker was killed. Hosts
are told apart by their boot: containers of one host, each with a name of its own, share its GPUs.
"""

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from core.errors import GpuJobFailed
from core.jobs.context import JobContext
from core.jobs.lease import boot_id

LOOK_S = 1.0


@dataclass(frozen=True)
class Devices:
    """GPUs that are held: their ids, and the files whose locks hold them. None where nobody shares them out."""

    ids: tuple[str, ...] = ()
    files: tuple[int, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """What shows a child these GPUs and no others."""
        return {"CUDA_VISIBLE_DEVICES": ",".join(self.ids)} if self.ids else {}


NO_DEVICES = Devices()


@contextmanager
def devices_held(context: JobContext, num: int) -> Iterator[Devices]:
    """``num`` GPUs that no other run on this host has, waited for as long as it takes; the job may be cancelled then.

    Nothing is held, nor hidden from the child, where ``DPE_GPU_DEVICES`` is empty or a launcher shares GPUs out.
    """
    if settings.GPU_LAUNCHER or not settings.GPU_DEVICES:
        yield NO_DEVICES
        return
    if num > len(settings.GPU_DEVICES):
        raise GpuJobFailed(f"The run wants {num} GPUs, and DPE_GPU_DEVICES names {len(settings.GPU_DEVICES)}.")
    with ExitStack() as stack:
        yield devices_await(context, stack, num)


def devices_await(context: JobContext, stack: ExitStack, num: int) -> Devices:
    """Look again and again until there are enough; the job keeps its lease meanwhile."""
    found = devices_claim(stack, settings.GPU_DEVICES, num)
    if not found:
        context.note("waiting for a GPU", f"{num} of {', '.join(settings.GPU_DEVICES)}")
    while not found:
        context.beat()
        time.sleep(LOOK_S)
        found = devices_claim(stack, settings.GPU_DEVICES, num)
    return found


def devices_claim(stack: ExitStack, ids: Sequence[str], num: int) -> Devices | None:
    """The first ``num`` free GPUs, held until the stack is closed; None, and none held, when fewer are free."""
    held: dict[str, int] = {}
    with ExitStack() as trying:
        for device in ids:
            if len(held) < num and (file := device_lock(trying, device)) is not None:
                held[device] = file
        if len(held) < num:
            return None
        stack.push(trying.pop_all())
    return Devices(tuple(held), tuple(held.values()))


def device_lock(stack: ExitStack, device: str) -> int | None:
    """The open file that holds the GPU, or None when another holds it."""
    path = Path(settings.DEVICES_ROOT) / boot_id() / f"{device}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    stack.enter_context(file)
    return file.fileno()
