"""The largest process of the demo, for the report."""

import threading
from pathlib import Path

import psutil

PERIOD_S = 1.0
PROC = Path("/proc")


class MemoryWatch:
    """Looks at all processes below this one once a second, and at this one."""

    def __init__(self, period_s: float = PERIOD_S) -> None:
        self.peak_mb = 0.0
        self._period_s = period_s
        threading.Thread(target=self._watch, daemon=True).start()

    def take(self) -> float:
        """The largest resident memory of any one process since the last call, in MiB."""
        self._look()
        peak, self.peak_mb = self.peak_mb, 0.0
        return round(peak, 1)

    def _watch(self) -> None:
        ever = threading.Event()
        while not ever.wait(self._period_s):
            self._look()

    def _look(self) -> None:
        me = psutil.Process()
        self.peak_mb = max(self.peak_mb, *(peak_rss_mb(one) for one in (me, *me.children(recursive=True))))


def peak_rss_mb(process: psutil.Process) -> float:
    """The most memory that a process ever had resident where the system tells (Linux), else what it has now."""
    try:
        for line in (PROC / str(process.pid) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024
        return float(process.memory_info().rss) / 2**20
    except FileNotFoundError:
        return rss_mb(process)
    except (OSError, psutil.Error):
        return 0.0


def rss_mb(process: psutil.Process) -> float:
    """What a process has resident now; 0 when it has ended."""
    try:
        return float(process.memory_info().rss) / 2**20
    except psutil.Error:
        return 0.0
