"""Pages that belong to no round: health, signing in, pictures, jobs."""

import json
from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.contrib.messages.views import SuccessMessageMixin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils import timezone
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRefresh

from core.concurrency_views import ConcurrencyForm
from core.machine import machine_now
from core.media import media_path, thumbnail_path
from core.models import Job
from core.pages import htmx_of, number_of, part_wanted
from core.selectors import (
    PAGE,
    JobRow,
    job_open,
    job_rows,
    jobs_ended,
    jobs_live,
    media_open,
    why_ended,
    why_waiting,
)
from core.worker_page import jobs_stopped, jobs_waiting, queues_now

FOREVER = "private, max-age=31536000, immutable"


@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """Whether the web side answers."""
    return JsonResponse({"ok": True})


class SignIn(LoginView):
    """The sign-in page; a live region of a page that outlived its session makes the whole page ask again."""

    template_name = "core/login.html"
    redirect_authenticated_user = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form."""
        return HttpResponseClientRefresh() if htmx_of(request) else super().get(request, *args, **kwargs)


class PasswordChange(SuccessMessageMixin, PasswordChangeView):  # type: ignore[type-arg]  # generic for mypy only
    """A new password; who changed it stays signed in here, and is signed out everywhere else."""

    template_name = "core/password_change.html"
    success_url = reverse_lazy("campaign-list")
    success_message = "Your password is changed. You stay signed in here and are signed out everywhere else."


def media_detail(request: HttpRequest, sha256: str) -> HttpResponse:
    """A picture's own bytes, for members of a campaign that uses it."""
    media = media_open(cast(User, request.user), sha256)
    return picture(media_path(sha256).read_bytes(), media.mime)


def media_thumbnail(request: HttpRequest, sha256: str) -> HttpResponse:
    """Its small copy, made when it was imported; the picture itself where that is gone."""
    media, small = media_open(cast(User, request.user), sha256), thumbnail_path(sha256)
    return picture(small.read_bytes(), "image/jpeg") if small.exists() else media_detail(request, media.sha256)


def concurrency_of(row: JobRow) -> dict[str, Any]:
    """The form for how much goes on at once, where the job feels it and this person may set it."""
    job = row.job
    if not (row.may_stop and job.can_pause and job.campaign):
        return {}
    return {"campaign": job.campaign, "concurrency_form": ConcurrencyForm(job.campaign)}


def picture(data: bytes, mime: str) -> HttpResponse:
    """Bytes that never change under their name, so a browser may keep them for ever and nobody between may."""
    headers = {"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff", "Content-Disposition": "inline"}
    return HttpResponse(data, content_type=mime, headers=headers)


@vary_on_headers("HX-Request")
def job_list(request: HttpRequest) -> HttpResponse:
    """What runs, what waits and why, what ended; the live part asks for itself."""
    user, now = cast(User, request.user), timezone.now()
    context: dict[str, Any] = {"section": "jobs", "rows": jobs_live(user, now)}
    if part_wanted(request):
        return render(request, "core/_jobs_live.html", context)
    only_bad = request.GET.get("show") == "failures"
    ended = jobs_ended(user, only_bad=only_bad, before=number_of(request, "before"))
    more = ended[PAGE - 1].job.pk if len(ended) > PAGE else None
    context |= {"ended": ended[:PAGE], "more": more, "only_bad": only_bad}
    return render(request, "core/job_list.html", context)


@vary_on_headers("HX-Request")
def worker_list(request: HttpRequest) -> HttpResponse:
    """Queues, who is alive, why a job waits, and what the installation stands on; the live part asks for itself."""
    user, now = cast(User, request.user), timezone.now()
    queues = queues_now(user, now)
    jobs = {"rows": jobs_waiting(user, queues, now), "stopped": jobs_stopped(user)}
    context: dict[str, Any] = {"section": "workers", "queues": queues, **jobs, "machine": machine_now()}
    return render(request, "core/_workers_live.html" if part_wanted(request) else "core/worker_list.html", context)


@vary_on_headers("HX-Request")
def job_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One job: progress, error, events."""
    user, now = cast(User, request.user), timezone.now()
    job = job_open(user, pk)
    why = why_waiting(job, list(Job.objects.filter(queue=job.queue, status="running")), now)
    row = job_rows(user, [job], why={pk: why if job.is_live else why_ended(job)})[0]
    texts = {"spec": json.dumps(job.spec, indent=2), "result": json.dumps(job.result, indent=2)}
    context = {"section": "jobs", "row": row, "job": job, "events": job.events.order_by("-id")[:50], **texts}
    if part_wanted(request):
        return render(request, "core/_job.html", context)
    return render(request, "core/job_detail.html", {**context, **concurrency_of(row)})
