"""What people do about a job: pause, resume, stop, retry. Each leads back to the page that it was done from."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from core.jobs.services import job_cancel, job_pause, job_resume, job_retry
from core.models import Job
from core.pages import back_of
from core.selectors import job_open


@require_POST
def job_hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause a job."""
    job = job_pause(actor=cast(User, request.user), job_id=job_open(cast(User, request.user), pk).pk)
    said = "is paused" if job.status == "paused" else "pauses once its calls under way are answered and stored"
    return told(request, job, f"{job} {said}.")


@require_POST
def job_go_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Resume a paused job."""
    job = job_resume(actor=cast(User, request.user), job_id=job_open(cast(User, request.user), pk).pk)
    return told(request, job, f"{job} goes on as soon as a worker takes it.")


@require_POST
def job_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a job to stop."""
    job = job_cancel(actor=cast(User, request.user), job_id=job_open(cast(User, request.user), pk).pk)
    said = "is stopped" if job.status == "cancelled" else "was asked to stop"
    return told(request, job, f"{job} {said}.")


@require_POST
def job_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a job that did not succeed run again."""
    job = job_retry(actor=cast(User, request.user), job_id=job_open(cast(User, request.user), pk).pk)
    return told(request, job, f"{job} waits for a worker again.")


def told(request: HttpRequest, job: Job, sentence: str) -> HttpResponse:
    """Back to the page that asked, else to the job, with a sentence on what was done."""
    messages.success(request, sentence)
    return redirect(back_of(request, reverse("job-detail", args=[job.pk])))
