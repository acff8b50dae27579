"""What people ask of a job: to stop, or to pause. A running job heeds it at its next heartbeat, another one at once."""

from django.utils import timezone

from core.errors import DpeError, JobCancelled, JobPaused
from core.models import Job, JobEvent

PAUSE_ASKED = "pause asked"
STOPPED = "Stopped because somebody asked for it."


def wish_of(job_id: int) -> DpeError | None:
    """What ends the running attempt, because somebody asked for it; stopping goes before pausing."""
    wishes = Job.objects.filter(pk=job_id).values_list("cancel_requested_at", "pause_requested_at").first()
    cancelled, paused = wishes or (None, None)
    if cancelled is not None:
        return JobCancelled(STOPPED)
    return pause_of(job_id) if paused is not None else None


def pause_of(job_id: int) -> JobPaused:
    """The pause that somebody asked for, with their name."""
    asked = JobEvent.objects.filter(job_id=job_id, name=PAUSE_ASKED).order_by("-id").first()
    by = f" {asked.message}" if asked else ""
    return JobPaused(f"Paused{by}. What was answered is stored, and it goes on from there.")


def wishes_heed(job: Job) -> None:
    """Stop or pause a job that no worker holds, if somebody asked for that.

    Call it in the transaction that takes the job from its worker, and in the one that writes the wish down: whichever
    comes second sees the other.
    """
    rows, pause = Job.objects.filter(pk=job.pk), pause_of(job.pk)
    stopped = rows.filter(status__in=["waiting", "paused"], cancel_requested_at__isnull=False)
    paused = rows.filter(status="waiting", pause_requested_at__isnull=False)
    if stopped.update(status="cancelled", ended_at=timezone.now(), error_code="", error_message=""):
        JobEvent.objects.create(job=job, attempt=job.attempt, name="cancelled", message=STOPPED)
    elif paused.update(status="paused", error_code=pause.code, error_message=str(pause)):
        JobEvent.objects.create(job=job, attempt=job.attempt, name="paused", message=str(pause))
