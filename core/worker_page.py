"""The workers' page in values: who is alive in each queue, what each one does, and why a job waits."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.contrib.auth.models import User

from core.jobs.context import LEASE_TTL
from core.jobs.engine import lease_of
from core.jobs.hints import QUEUES
from core.jobs.lease import Lease
from core.models import Job, Worker
from core.selectors import PATIENCE, JobRow, jobs_ended, jobs_live, jobs_visible
from core.workers import worker_lease

NUM_STOPPED = 5
COMMAND = "python -m celery -A dpe_site worker --pool solo -Q {queue}"


@dataclass(frozen=True)
class WorkerView:
    """One process: whether it lives, and what it does. ``job`` is None for a job that this person may not see."""

    queue: str
    host: str
    pid: int
    since: datetime
    seen_at: datetime
    is_alive: bool
    is_busy: bool
    job: Job | None


@dataclass(frozen=True)
class QueueView:
    """One queue with its workers, and how many jobs of anybody wait in it."""

    name: str
    workers: list[WorkerView]
    num_waiting: int

    @property
    def num_alive(self) -> int:
        """How many of its workers live."""
        return sum(worker.is_alive for worker in self.workers)

    @property
    def command(self) -> str:
        """What starts a worker for it."""
        return COMMAND.format(queue=self.name)


def queues_now(user: User, now: datetime) -> list[QueueView]:
    """Every queue; four queries."""
    running = {lease_of(job): job for job in Job.objects.filter(status="running")}
    mine = {job.pk: job for job in jobs_visible(user).filter(status="running")}
    waiting = Counter(Job.objects.filter(status="waiting").values_list("queue", flat=True))
    rows = workers_known(running)
    views = [worker_view(row, running.get(worker_lease(row)), mine, now) for row in rows]
    return [QueueView(name, [view for view in views if view.queue == name], waiting[name]) for name in QUEUES]


def workers_known(running: dict[Lease, Job]) -> list[Worker]:
    """The workers that said so, and those that only a running job tells of."""
    rows = list(Worker.objects.order_by("host", "pid"))
    known = {worker_lease(row) for row in rows}
    return rows + [worker_of(job) for lease, job in running.items() if lease not in known]


def worker_of(job: Job) -> Worker:
    """The process that a running job names; not stored."""
    lease, seen = lease_of(job), job.lease_until or job.created_at + LEASE_TTL
    facts = {"host": lease.host, "boot": lease.boot, "pid": lease.pid, "started": lease.started}
    return Worker(queue=job.queue, seen_at=seen - LEASE_TTL, **facts)


def worker_view(row: Worker, job: Job | None, mine: dict[int, Job], now: datetime) -> WorkerView:
    """One worker; while it works it was seen when it last renewed its lease."""
    until = job.lease_until if job else None
    return WorkerView(
        queue=row.queue,
        host=row.host,
        pid=row.pid,
        since=datetime.fromtimestamp(row.started, UTC),
        seen_at=max(row.seen_at, until - LEASE_TTL) if until else row.seen_at,
        is_alive=now - row.seen_at <= PATIENCE or (until is not None and until > now),
        is_busy=job is not None,
        job=mine.get(job.pk) if job else None,
    )


def jobs_waiting(user: User, queues: list[QueueView], now: datetime) -> list[JobRow]:
    """Waiting jobs that this person may know of, each with its reason; where nobody takes jobs, that is the reason."""
    idle = {queue.name for queue in queues if not queue.num_alive}
    rows = [row for row in jobs_live(user, now) if row.job.status == "waiting"]
    return [
        replace(row, why=why_nobody(row.job)) if is_due(row.job, now) and row.job.queue in idle else row for row in rows
    ]


def jobs_stopped(user: User) -> list[JobRow]:
    """The newest jobs that did not succeed and can run again."""
    return jobs_ended(user, only_bad=True, before=None)[:NUM_STOPPED]


def is_due(job: Job, now: datetime) -> bool:
    """Whether a worker might take it now."""
    return job.not_before is None or job.not_before <= now


def why_nobody(job: Job) -> str:
    """One sentence for a job in a queue without a living worker."""
    return f"Nobody takes jobs of the {job.queue} queue: start a worker for it."
