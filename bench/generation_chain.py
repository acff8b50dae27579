"""The chain from open slots to a dataset as jobs that a worker in another process takes, one after another."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

POLL_S: Final = 0.02
MOST_WAVES: Final = 10
Tick = Callable[[Any], None]


@dataclass
class Worker:
    """One worker process at a time; what it says goes to ``log``."""

    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """A worker, unless one lives."""
        if self.process is None or self.process.poll() is not None:
            with self.log.open("ab") as log:
                command = [sys.executable, "-m", "bench.generation_worker"]
                self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    @property
    def pid(self) -> int:
        """The living worker's; 0 without one."""
        return self.process.pid if self.process and self.process.poll() is None else 0

    def kill(self) -> None:
        """End it by -9, as it stands."""
        if self.process:
            self.process.kill()
            self.process.wait()


@dataclass
class Chain:
    """One mixture on its way to its dataset. ``tick`` looks at the running job, every 20 ms."""

    mixture: Any
    worker: Worker
    tick: Tick = lambda job: None
    seconds: dict[tuple[str, int], float] = field(default_factory=dict)
    retries: int = 0

    def play(self) -> Any:
        """Waves until no slot is open, then the dataset."""
        checkpoint_id = self.mixture.campaign.checkpoints.get().pk
        for take in range(1, MOST_WAVES):
            for kind in ("generate", "quality", "difficulty"):
                self.job_play(kind, take, checkpoint_id=checkpoint_id)
            if not self.mixture.slots.filter(status="open").exists():
                break
        return self.job_play("dataset_build", 1)

    def job_play(self, kind: str, take: int, **spec: Any) -> Any:
        """One job to its success; a job whose workers were lost too often is run again, as a person would."""
        from core.jobs.services import JobRequest, job_submit

        actor, started = self.mixture.campaign.created_by, time.monotonic()
        request = JobRequest(kind=kind, spec={"mixture_id": self.mixture.pk, "take": take, **spec})
        job = job_submit(actor=actor, campaign=self.mixture.campaign, request=request)
        while job.status != "succeeded":
            self.worker.start()
            time.sleep(POLL_S)
            job.refresh_from_db()
            self.tick(job)
            if job.status in ("failed", "errored"):
                self.again(job)
        self.seconds[kind, take] = time.monotonic() - started
        return job

    def again(self, job: Any) -> None:
        """Retry what was only unlucky."""
        from core.jobs.services import job_retry

        if job.error_code != "worker_lost":
            raise RuntimeError(f"{job}: {job.error_message}\n{self.worker.log.read_text()[-3000:]}")
        job_retry(actor=job.actor, job_id=job.pk)
        self.retries += 1
