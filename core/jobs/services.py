"""Submitting, cancelling and retrying jobs."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.access import audit, require
from core.errors import WrongState
from core.jobs.hints import announce
from core.models import Campaign, Job, JobEvent


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
        return Job.objects.get(dedup_key=request.dedup_key, status__in=["waiting", "running"])
    return job


def job_cancel(*, actor: User, job_id: int) -> Job:
    """Ask a running job to stop at its next heartbeat; a waiting one ends at once."""
    job = Job.objects.select_related("campaign").get(pk=job_id)
    require(actor, "research", job.campaign)
    now = timezone.now()
    with transaction.atomic():
        waiting = Job.objects.filter(pk=job_id, status="waiting")
        ended = waiting.update(status="cancelled", cancel_requested_at=now, ended_at=now)
        asked = ended or Job.objects.filter(pk=job_id, status="running").update(cancel_requested_at=now)
        if not asked:
            raise WrongState(f"{job} has ended already.")
        audit(actor, "job.cancelled", job, campaign=job.campaign)
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
