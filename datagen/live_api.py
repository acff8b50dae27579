"""REST of a generation that goes on."""

from dataclasses import asdict
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import campaign_of
from core.models import Job
from datagen.domain.pulse import BUCKET_S
from datagen.live import EndpointPulse, Pulse, mixture_live
from datagen.selectors import mixture_of


class MixtureLiveDetail(APIView):
    """How a mixture's samples come about."""

    @extend_schema(operation_id="mixture_live", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Slots by skill, tries by what became of them, calls of the last five minutes; ``poll_s`` 0: all is final."""
        mixture = mixture_of(campaign_of(request, slug), pk)
        live = mixture_live(mixture, timezone.now())
        tries = live.tries
        told = {"total": tries.statuses.total(), **tries.statuses, "passed_quality_control": tries.passed}
        return Response(
            {
                "skills": [{**asdict(one), "quota": one.quota} for one in live.skills],
                "tries": {**told, "rejected_by_reason": tries.rejected, "held_by_reason": tries.held},
                "job": job_json(live.job) if live.job else None,
                "is_over": live.is_over,
                "poll_s": live.poll_s,
                "calls": pulse_json(live.pulse),
                "shortfall": live.shortfall,
            }
        )


def job_json(job: Job) -> dict[str, Any]:
    """The newest job that worked on the mixture; all of it is at jobs/{id}."""
    names = ("id", "kind", "status", "done", "total", "unit", "error_code", "error_message")
    return {name: getattr(job, name) for name in names}


def pulse_json(pulse: Pulse) -> dict[str, Any]:
    """Calls a second, and how the endpoints bear them."""
    buckets = [{"start": one.start, "answered": one.ok, "errors": one.errors} for one in pulse.buckets]
    endpoints = [endpoint_json(one) for one in pulse.endpoints]
    told = {"until": pulse.until, "per_second": round(pulse.rate, 3), "bucket_s": BUCKET_S}
    return {**told, "buckets": buckets, "endpoints": endpoints}


def endpoint_json(one: EndpointPulse) -> dict[str, Any]:
    """One endpoint in the window."""
    latency = {"median_ms": one.latency.median_ms, "p95_ms": one.latency.p95_ms} if one.latency else None
    told = {name: getattr(one, name) for name in ("calls", "errors", "in_flight")}
    who = {name: getattr(one.endpoint, name) for name in ("role", "model", "base_url", "concurrency", "pace")}
    return {**who, **told, "per_second": round(one.rate, 3), "latency": latency}
