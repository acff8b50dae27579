"""Running jobs.

1. ``claim`` takes the first waiting job of a queue by raising ``attempt``; a rival's count is then zero.
2. The handler works and shows progress, which renews the lease.
3. Its result and what follows (``then``) are committed in one transaction that filters on ``attempt``.
4. A named error is a failure, retried when waiting helps; anything else is a bug: errored, traceback kept.
5. ``reap`` frees jobs whose process is dead or whose lease ran out; three lost leases are a failure.
"""

import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core.errors import DpeError, JobCancelled, JobPaused, LeaseLost
from core.jobs.context import LEASE_TTL, JobContext, own_row
from core.jobs.hints import announce
from core.jobs.lease import Lease, is_gone, own_lease
from core.jobs.wishes import wishes_heed
from core.models import Job, JobEvent
from core.workers import worker_seen, workers_prune

logger = logging.getLogger(__name__)

MAX_LOST = 3
BACKOFF_S = (5, 30, 120)


@dataclass(frozen=True)
class Handler:
    """How one kind of job is done: ``run`` works, ``then`` follows in the transaction of success."""

    run: Callable[[JobContext], dict[str, Any]]
    then: Callable[[Job], None] | None = None


def claim(queue: str, lease: Lease, now: datetime) -> Job | None:
    """The first job of ``queue`` that is due, now owned by ``lease``; None when there is none."""
    due = Job.objects.filter(
        Q(not_before__isnull=True) | Q(not_before__lte=now),
        queue=queue,
        status="waiting",
    )
    while seen := due.order_by("-priority", "id").first():
        if take(seen, lease, now):
            return Job.objects.select_related("campaign", "actor").get(pk=seen.pk)
    return None


def take(seen: Job, lease: Lease, now: datetime) -> bool:
    """Raise ``attempt`` if nobody else did since ``seen`` was read; whether this process owns the job."""
    owner = {f"lease_{name}": value for name, value in asdict(lease).items()}
    with transaction.atomic():
        taken = Job.objects.filter(pk=seen.pk, status="waiting", attempt=seen.attempt).update(
            status="running",
            attempt=seen.attempt + 1,
            started_at=now,
            lease_until=now + LEASE_TTL,
            **owner,
        )
        if taken:
            JobEvent.objects.create(job=seen, attempt=seen.attempt + 1, name="claimed", message=lease.host)
    return bool(taken)


def execute_next(queue: str, handlers: Mapping[str, Handler]) -> Job | None:
    """Run the queue's next job to its end; None when nothing waits."""
    job = claim(queue, own_lease(), timezone.now())
    if job is None:
        return None
    execute(job, handlers)
    return job


def work(queue: str, handlers: Mapping[str, Handler]) -> None:
    """Free the jobs of dead workers, then run the queue's waiting jobs until none is left.

    The worker says that it lives at every look at the table; between looks its job's lease says it.
    """
    reap(timezone.now())
    is_open = True
    while is_open:
        worker_seen(queue, own_lease(), timezone.now())
        is_open = execute_next(queue, handlers) is not None


def execute(job: Job, handlers: Mapping[str, Handler]) -> None:
    """Run a claimed job and write down how it ended. Raises nothing but what ends the process."""
    try:
        handler = handlers[job.kind]
        result = handler.run(JobContext(job))
        succeed(job, result, handler.then)
    except LeaseLost as error:
        logger.warning("%s: %s", job, error)
    except JobCancelled as error:
        end(job, "cancelled", error.code, str(error))
    except JobPaused as error:
        pause(job, error)
    except DpeError as error:
        fail(job, error)
    except Exception:
        logger.exception("%s ended by a bug", job)
        end(job, "errored", "bug", traceback.format_exc())


def succeed(job: Job, result: dict[str, Any], then: Callable[[Job], None] | None) -> None:
    """Commit the result together with what follows from it."""
    with transaction.atomic():
        job.result, job.status = result, "succeeded"
        if not own_row(job).update(status="succeeded", result=result, ended_at=timezone.now()):
            raise LeaseLost(f"{job} was taken over before it ended.")
        JobEvent.objects.create(job=job, attempt=job.attempt, name="succeeded")
        if then is not None:
            then(job)


def pause(job: Job, reason: JobPaused) -> None:
    """Let the job hold still without a worker until somebody resumes it."""
    with transaction.atomic():
        if own_row(job).update(status="paused", error_code=reason.code, error_message=str(reason)):
            JobEvent.objects.create(job=job, attempt=job.attempt, name="paused", message=str(reason))
            wishes_heed(job)


def fail(job: Job, error: DpeError) -> None:
    """A named error: back to waiting when a later try may help, else failed."""
    if error.retryable and job.num_failures + 1 < job.max_attempts:
        wait = timedelta(seconds=BACKOFF_S[min(job.num_failures, len(BACKOFF_S) - 1)])
        with transaction.atomic():
            freed = own_row(job).update(
                status="waiting",
                num_failures=job.num_failures + 1,
                not_before=timezone.now() + wait,
            )
            if freed:
                JobEvent.objects.create(job=job, attempt=job.attempt, name="will retry", message=str(error))
                wishes_heed(job)
        return
    end(job, "failed", error.code, str(error))


def end(job: Job, status: str, code: str, message: str) -> None:
    """Write the end of a job that did not succeed, unless another attempt owns it by now."""
    with transaction.atomic():
        ended = own_row(job).update(
            status=status,
            error_code=code,
            error_message=message[-20_000:],
            ended_at=timezone.now(),
        )
        if ended:
            JobEvent.objects.create(job=job, attempt=job.attempt, name=status, message=message[-2_000:])


def reap(now: datetime) -> int:
    """Free jobs whose worker is dead or silent, and forget such workers; how many jobs were freed."""
    running = list(Job.objects.filter(status="running"))
    workers_prune(now, {lease_of(job) for job in running})
    lost = [job for job in running if job.lease_until is None or job.lease_until < now or is_gone(lease_of(job))]
    return sum(free(job, now) for job in lost)


def lease_of(job: Job) -> Lease:
    """Who runs the job, as its row says."""
    return Lease(job.lease_host, job.lease_boot, job.lease_pid or 0, job.lease_started or 0.0)


def free(job: Job, now: datetime) -> int:
    """Take a job from a lost worker; after MAX_LOST it fails instead of crashing worker after worker."""
    given_up = job.num_lost + 1 >= MAX_LOST
    news: dict[str, Any] = {"status": "waiting"}
    if given_up:
        message = f"Its worker died or fell silent {MAX_LOST} times; see the job's events and the worker's log."
        news = {
            "status": "failed",
            "error_code": "worker_lost",
            "error_message": message,
            "ended_at": now,
        }
    with transaction.atomic():
        freed: int = own_row(job).update(num_lost=job.num_lost + 1, **news)
        if freed:
            JobEvent.objects.create(job=job, attempt=job.attempt, name="lease lost", message=job.lease_host)
            wishes_heed(job)
            transaction.on_commit(lambda: announce(job.queue))
    return freed
