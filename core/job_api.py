"""REST for jobs and workers: what runs, what waits, what happened, who is alive."""

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import campaign_of, person_of
from core.api_cursor import CURSOR, cursor_page
from core.api_views import job_json, job_of
from core.errors import InvalidInput
from core.jobs.hints import QUEUES
from core.machine import machine_now
from core.models import Job, JobEvent
from core.selectors import jobs_visible
from core.worker_page import QueueView, WorkerView, queues_now

STATUSES = ("waiting", "running", "paused", "succeeded", "failed", "errored", "cancelled")
FILTERS = [
    OpenApiParameter("status", str, enum=STATUSES),
    OpenApiParameter("queue", str, enum=QUEUES),
    OpenApiParameter("campaign", str, description="a campaign's slug"),
]


class JobList(APIView):
    """Jobs that this person may know of."""

    @extend_schema(operation_id="job_list", parameters=[*FILTERS, *CURSOR], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Page by page, the newest first."""
        return cursor_page(request, jobs_asked(request), line_json)


class JobEvents(APIView):
    """What happened to a job."""

    @extend_schema(operation_id="job_events", parameters=CURSOR, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: int) -> Response:
        """Page by page, the newest first."""
        return cursor_page(request, job_of(request, pk).events.all(), event_json)


class WorkerList(APIView):
    """Who takes jobs, and what the installation stands on."""

    @extend_schema(operation_id="worker_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Every queue with its workers; disk, database and broker."""
        queues = queues_now(person_of(request), timezone.now())
        return Response({"data": [queue_json(queue) for queue in queues], "machine": asdict(machine_now())})


def jobs_asked(request: Request) -> QuerySet[Job]:
    """The jobs that the filters leave; InvalidInput names a filter that knows no such value."""
    rows = jobs_visible(person_of(request))
    for name, known in (("status", STATUSES), ("queue", QUEUES)):
        value = request.GET.get(name, "")
        if value and value not in known:
            raise InvalidInput(f"{name} must be one of {', '.join(known)}.", field=name)
        rows = rows.filter(**{name: value}) if value else rows
    slug = request.GET.get("campaign", "")
    return rows.filter(campaign=campaign_of(request, slug)) if slug else rows


def line_json(job: Job) -> dict[str, Any]:
    """A job in a list, with its campaign."""
    return {**job_json(job), "campaign": job.campaign.slug if job.campaign else None}


def event_json(event: JobEvent) -> dict[str, Any]:
    """One line of a job's history."""
    return {name: getattr(event, name) for name in ("id", "at", "attempt", "name", "message")}


def queue_json(queue: QueueView) -> dict[str, Any]:
    """A queue as the API shows it."""
    workers = [worker_json(worker) for worker in queue.workers]
    return {"queue": queue.name, "alive": queue.num_alive, "waiting": queue.num_waiting, "workers": workers}


def worker_json(worker: WorkerView) -> dict[str, Any]:
    """A worker as the API shows it; ``job`` is its id where this person may know of it."""
    names = ("host", "pid", "since", "seen_at", "is_alive", "is_busy")
    return {**{name: getattr(worker, name) for name in names}, "job": worker.job.pk if worker.job else None}
