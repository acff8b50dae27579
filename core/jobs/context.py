"""What a running job may do to its own row."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core.errors import LeaseLost
from core.jobs.wishes import wish_of
from core.models import Job, JobEvent

LEASE_TTL = timedelta(minutes=2)
WRITE_EVERY_S = 1.0


@dataclass
class JobContext:
    """The job as its handler sees it. Only the working thread may call ``progress``: that is the heartbeat."""

    job: Job
    clock: Callable[[], float] = time.monotonic
    _written_at: float = field(default=-1e9)

    @property
    def spec(self) -> dict[str, Any]:
        """What to do, as it was submitted."""
        spec: dict[str, Any] = self.job.spec
        return spec

    def progress(self, done: int, total: int, unit: str, *, force: bool = False) -> None:
        """Say how far the work is and renew the lease; LeaseLost, JobCancelled or JobPaused end the attempt."""
        now = self.clock()
        if not force and done < total and now - self._written_at < WRITE_EVERY_S:
            return
        self._written_at = now
        self._beat(done=done, total=total, unit=unit)
        self.heed()

    def heed(self) -> None:
        """Go on unless somebody asked this job to stop or to pause; else JobCancelled or JobPaused."""
        if wish := wish_of(self.job.pk):
            raise wish

    def beat(self) -> None:
        """Renew the lease without news; for work that has no number to show."""
        now = self.clock()
        if now - self._written_at >= WRITE_EVERY_S:
            self.progress(self.job.done, self.job.total, self.job.unit, force=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that commits only while this attempt owns the job."""
        with transaction.atomic():
            self._beat()
            yield

    def note(self, name: str, message: str = "") -> None:
        """Add a line to the job's history."""
        JobEvent.objects.create(job=self.job, attempt=self.job.attempt, name=name, message=message)

    def _beat(self, **news: Any) -> None:
        for name, value in news.items():
            setattr(self.job, name, value)
        if not own_row(self.job).update(lease_until=timezone.now() + LEASE_TTL, **news):
            raise LeaseLost(f"{self.job} is no longer attempt {self.job.attempt}'s.")


def own_row(job: Job) -> QuerySet[Job]:
    """The job's row as long as this attempt runs it; every write of a running job goes through it."""
    return Job.objects.filter(pk=job.pk, status="running", attempt=job.attempt)
