"""The worker's side of the GPU border: prepare RUN_DIR, watch the child, believe only its result file.

1. RUN_DIR is named by the hash of the spec; a finished result in it is reused.
2. A process that an earlier, killed attempt left behind is ended first, by pid and start time.
3. The child runs in a process group of its own; a change of its progress file is its heartbeat.
4. A phase that is silent for longer than max(120 s, 5 x that phase's median) is Hung: stack dump, then the end.
5. Ending: SIGTERM to the group, 60 s, SIGKILL. No result file means failed, whatever the exit code says.
6. The child's standard input is a pipe that nobody writes to: it ends with this process, and so does the child.
"""

import signal
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from core.domain.files import write_atomic
from core.errors import DpeError, GpuJobFailed, JobCancelled
from core.gpu_child import Child, child_start, end_group, end_leftover, news_await, stack_dumps
from core.gpu_devices import devices_held
from core.jobs.context import JobContext
from core.specs import (
    ERROR_FILE,
    PROGRESS_FILE,
    RESULT_FILE,
    SPEC_FILE,
    STOP_FILE,
    ErrorFile,
    Progress,
    Spec,
    StopFile,
)

LOG_FILE = "log.txt"
TICK_S = 0.5
FIRST_LIMIT_S = 600.0
MIN_LIMIT_S = 120.0
KILLED = (
    "The child was killed by SIGKILL, and not by this worker: most often by the kernel, for lack of host memory "
    "(look at dmesg). Lower micro_batch_size or what else runs on the host, then retry."
)
RANK_LOST = (
    "One of the {} processes of this run ended without a word, and the others were ended with it: the table at the end "
    "of the log says which and how (-9: killed, most often for lack of host memory). Retry goes on from the newest "
    "checkpoint."
)
ELSEWHERE = (
    "The launcher ended with status {}, and the child left no result. A child that ends without a word at once: does "
    "DPE_GPU_LAUNCHER pass standard input on, and does its host see this run's folder, the code and the Python?"
)
Tick = Callable[[Path], None]


@dataclass(frozen=True)
class GpuRun:
    """One run behind the border: which child, what it must do, and how its input files are written."""

    module: str
    spec: Spec
    write_inputs: Callable[[Path], None]
    on_tick: Tick | None = None
    first_limit_s: float = FIRST_LIMIT_S
    gpus: int = 1

    @property
    def folder(self) -> Path:
        """Its RUN_DIR."""
        return Path(settings.RUNS_ROOT) / self.spec.run_name()

    @property
    def child(self) -> Child:
        """The process that does it."""
        return Child(self.module, self.folder, self.gpus, self.spec.places.threads)


@dataclass
class Watchdog:
    """Knows how long each phase usually is silent, and when it is silent for too long.

    ``first_s`` holds for loading and for a phase's first turn; ``fixed_s``, if not 0, for everything (drills).
    ``start_s``, if not 0, holds until the child's first word: what it waits for a place elsewhere is no silence.
    """

    first_s: float = FIRST_LIMIT_S
    fixed_s: float = 0.0
    start_s: float = 0.0
    clock: Callable[[], float] = time.monotonic
    seen: tuple[str, int] = ("load", -1)
    since: float = 0.0
    gaps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.since = self.clock()

    def look(self, phase: str, beat: int) -> None:
        """Note the newest sign of life; its gap counts for the phase that was running."""
        if (phase, beat) == self.seen:
            return
        now = self.clock()
        if self.seen[1] >= 0:
            self.gaps[self.seen[0]].append(now - self.since)
        self.seen, self.since = (phase, beat), now

    def limit_s(self) -> float:
        """How long the present phase may be silent."""
        if self.start_s and self.seen[1] < 0:
            return self.start_s
        known = self.gaps.get(self.seen[0])
        usual = max(MIN_LIMIT_S, 5 * statistics.median(known)) if known else self.first_s
        return self.fixed_s or usual

    def is_hung(self) -> bool:
        """Whether the silence is longer than the limit."""
        return self.clock() - self.since > self.limit_s()


def gpu_run(context: JobContext, run: GpuRun) -> Path:
    """Do the run, or find it done; its RUN_DIR with a ``result.json``. GpuJobFailed names what went wrong."""
    folder = run.folder
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / RESULT_FILE).exists():
        end_leftover(folder)
        stop_forget(folder, context.job.attempt)
        for last_word in (ERROR_FILE, PROGRESS_FILE):
            (folder / last_word).unlink(missing_ok=True)
        run.write_inputs(folder)
        write_atomic(folder / SPEC_FILE, run.spec.model_dump_json(indent=1))
        supervise(context, run, folder)
    if run.on_tick:
        run.on_tick(folder)
    return folder


def supervise(context: JobContext, run: GpuRun, folder: Path) -> None:
    """Start the child on GPUs of its own and watch it to its end; whatever ends this function also ends the child."""
    with devices_held(context, run.gpus) as devices:
        with (folder / LOG_FILE).open("ab") as log:
            child = child_start(run.child, log, devices)
        where = f" on GPU {', '.join(devices.ids)}" if devices.ids else ""
        how = " through DPE_GPU_LAUNCHER" if settings.GPU_LAUNCHER else where
        context.note("child started", f"{run.module}{how} pid {child.pid} in {folder.name}")
        try:
            watch(context, run, folder, child)
        finally:
            end_group(child.pid, child.poll)
            if child.stdin:
                child.stdin.close()
    if settings.GPU_LAUNCHER:
        news_await(folder)
    if not (folder / RESULT_FILE).exists():
        raise failure(folder, child.returncode, run.gpus)


def watch(context: JobContext, run: GpuRun, folder: Path, child: "subprocess.Popen[bytes]") -> None:
    """Pass the child's progress on until it ends; LeaseLost, JobCancelled or Hung end it."""
    start_s = settings.GPU_START_S if settings.GPU_LAUNCHER else 0
    watchdog = Watchdog(first_s=run.first_limit_s, fixed_s=settings.WATCHDOG_S, start_s=start_s)
    while child.poll() is None:
        time.sleep(TICK_S)
        news = progress_read(folder)
        if news:
            watchdog.look(news.phase, news.beat)
            context.progress(news.done, news.total, news.unit)
        context.beat()
        if run.on_tick:
            run.on_tick(folder)
        if watchdog.is_hung():
            silence = f"Silent in phase {watchdog.seen[0]} for more than {watchdog.limit_s():.0f} s."
            raise GpuJobFailed(f"{silence}\n{stack_dumps(child.pid)}", code="hung")


def progress_read(folder: Path) -> Progress | None:
    """The child's newest word, if there is one."""
    path = folder / PROGRESS_FILE
    return Progress.model_validate_json(path.read_bytes()) if path.exists() else None


def stop_ask(run_name: str, wish: StopFile) -> None:
    """Ask a running child to save at its next generation boundary and end."""
    write_atomic(Path(settings.RUNS_ROOT) / run_name / STOP_FILE, wish.model_dump_json())


def stop_forget(folder: Path, attempt: int) -> None:
    """Remove the wish to stop an earlier attempt; one that is meant for this attempt stays."""
    path = folder / STOP_FILE
    if path.exists() and StopFile.model_validate_json(path.read_bytes()).attempt != attempt:
        path.unlink()


def failure(folder: Path, returncode: int | None, gpus: int = 1) -> DpeError:
    """The named error that the child left, or what can be said without one; a run that was stopped is cancelled."""
    path = folder / ERROR_FILE
    if path.exists():
        left = ErrorFile.model_validate_json(path.read_bytes())
        if left.code == "stopped":
            return JobCancelled(left.message)
        return GpuJobFailed(f"{left.message} (log: {folder / LOG_FILE})", code=left.code)
    if settings.GPU_LAUNCHER:
        return GpuJobFailed(f"{ELSEWHERE.format(returncode)} (log: {folder / LOG_FILE})\n{log_end(folder)}")
    if returncode == -signal.SIGKILL:
        return GpuJobFailed(f"{KILLED} (log: {folder / LOG_FILE})", code="killed")
    if gpus > 1 and returncode:
        return GpuJobFailed(f"{RANK_LOST.format(gpus)} (log: {folder / LOG_FILE})", code="rank_lost")
    return GpuJobFailed(
        f"The child ended with status {returncode} and left no result (log: {folder / LOG_FILE}).\n{log_end(folder)}"
    )


def log_end(folder: Path) -> str:
    """The last words of the child's log."""
    return (folder / LOG_FILE).read_text(errors="replace")[-2000:]
