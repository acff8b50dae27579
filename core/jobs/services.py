"""Submitting, cancelling, pausing, resuming and retrying jobs."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.access import audit, require
from core.errors import WrongState
from core.jobs.hints import announce
from core.jobs.wishes import PAUSE_ASKED, wishes_heed
from core.models import Campaign, Job, JobEvent
from core.models.jobs import LIVE


@dataclass(frozen=True)
class JobRequest:
    """What to do, where, and under which key it exists only once while live."""

    kind: str
    spec: dict[str, Any]
    queue: str = "work"
    dedup_key: str = ""
    gpus: int = 0
    priority: int = 0


def job_submit(*, actor: User, campaign: Campaign | None, request: JobRequest) -> Job:
    """Write the job down; a live job with the same key is returned instead of a second one."""
    require(actor, "research", campaign)
    try:
        with transaction.atomic():
            job = Job.objects.create(actor=actor, campaign=campaign, **vars(request))
            audit(actor, "job.submitted", job, campaign=campaign, kind=job.kind)
            transaction.on_commit(lambda: announce(job.queue))
    except IntegrityError:
        return Job.objects.get(dedup_key=request.dedup_key, status__in=LIVE)
    return job


def job_cancel(*, actor: User, job_id: int) -> Job:
    """Ask a running job to stop at its next heartbeat; one that waits or is paused ends at once."""
    job = Job.objects.select_related("campaign").get(pk=job_id)
    require(actor, "research", job.campaign)
    with transaction.atomic():
        if not Job.objects.filter(pk=job_id, status__in=LIVE).update(cancel_requested_at=timezone.now()):
            raise WrongState(f"{job} has ended already.")
        audit(actor, "job.cancelled", job, campaign=job.campaign)
        wishes_heed(job)
    job.refresh_from_db()
    return job


def job_pause(*, actor: User, job_id: int) -> Job:
    """Ask a running job to see its calls in flight out, send no more and hold still; a waiting one pauses at once."""
    job = Job.objects.select_related("campaign").get(pk=job_id)
    require(actor, "research", job.campaign)
    if not job.can_pause:
        raise WrongState(f"{job} asks no endpoint, so there is nothing to pause between. Stop it, and retry it later.")
    with transaction.atomic():
        free = Job.objects.filter(pk=job_id, cancel_requested_at__isnull=True, pause_requested_at__isnull=True)
        if not free.filter(status__in=["waiting", "running"]).update(pause_requested_at=timezone.now()):
            raise WrongState(f"{job} has ended, is paused, or was asked to stop or to pause already.")
        audit(actor, "job.paused", job, campaign=job.campaign)
        by = f"by {actor.get_username()}"
        JobEvent.objects.create(job=job, attempt=job.attempt, name=PAUSE_ASKED, message=by)
        wishes_heed(job)
    job.refresh_from_db()
    return job


def job_resume(*, actor: User, job_id: int) -> Job:
    """Let a paused job wait for a worker again; it goes on from what it stored."""
    job = Job.objects.select_related("campaign").get(pk=job_id)
    require(actor, "research", job.campaign)
    fresh = {"pause_requested_at": None, "not_before": None, "error_code": "", "error_message": ""}
    with transaction.atomic():
        if not Job.objects.filter(pk=job_id, status="paused").update(status="waiting", **fresh):
            raise WrongState(f"{job} is not paused.")
        audit(actor, "job.resumed", job, campaign=job.campaign)
        by = f"by {actor.get_username()}"
        JobEvent.objects.create(job=job, attempt=job.attempt, name="resumed", message=by)
        transaction.on_commit(lambda: announce(job.queue))
    job.refresh_from_db()
    return job


def job_retry(*, actor: User, job_id: int) -> Job:
    """Let an ended job that did not succeed run again; what it stored is not done twice."""
    job = Job.objects.select_related("campaign").get(pk=job_id)
    require(actor, "research", job.campaign)
    with transaction.atomic():
        taken = Job.objects.filter(pk=job_id, status__in=["failed", "errored", "cancelled"]).update(
            status="waiting",
            num_lost=0,
            num_failures=0,
            not_before=None,
            cancel_requested_at=None,
            pause_requested_at=None,
            ended_at=None,
            error_code="",
            error_message="",
        )
        if not taken:
            raise WrongState(f"{job} is {job.status}: only a job that failed or was cancelled can run again.")
        audit(actor, "job.retried", job, campaign=job.campaign)
        JobEvent.objects.create(
            job=job,
            attempt=job.attempt,
            name="retried",
            message=f"by {actor.get_username()}",
        )
        transaction.on_commit(lambda: announce(job.queue))
    job.refresh_from_db()
    return job
