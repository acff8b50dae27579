"""How long each phase of a step took, and what memory the run holds."""

import time
from collections import defaultdict
from collections.abc import Callable

import psutil
import torch

from core.specs import Phase
from gpu.slices import Skilled

MIB = 1 << 20


class StepClock:
    """Adds up the seconds of each phase; told of every sign of life, as the progress file is."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._phase: Phase = "load"
        self._since = clock()
        self._seconds: dict[Phase, float] = defaultdict(float)

    def show(self, phase: Phase) -> None:
        """The present phase ends when another begins."""
        now = self._clock()
        self._seconds[self._phase] += now - self._since
        self._phase, self._since = phase, now

    def take(self, num_tokens: int) -> list[Skilled]:
        """Seconds a phase since the last call, and how fast ``num_tokens`` completion tokens were generated."""
        self.show(self._phase)
        seconds, self._seconds = self._seconds, defaultdict(float)
        rows = [(f"time/{phase}", "", spent) for phase, spent in sorted(seconds.items()) if phase != "load"]
        if num_tokens and seconds["generate"] > 0:
            rows.append(("speed/tokens_per_s", "", num_tokens / seconds["generate"]))
        return rows


def memory_metrics() -> list[Skilled]:
    """MB that this process holds in host memory, and what torch has reserved on its GPU."""
    rows = [("memory/host_mb", "", psutil.Process().memory_info().rss / MIB)]
    if torch.cuda.is_available():
        rows.append(("memory/gpu_mb", "", torch.cuda.memory_reserved() / MIB))
    return rows
