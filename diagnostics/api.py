"""REST for checkpoints, benchmarks and reports."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import NamedPathBody, body_of, campaign_of, person_of
from core.models import Job
from diagnostics.models import Benchmark, Checkpoint
from diagnostics.selectors.reports import report_json, report_of
from diagnostics.services.benchmarks import benchmark_submit
from diagnostics.services.checkpoints import checkpoint_submit


class BenchmarkBody(NamedPathBody):
    """How the file is to be read, where it does not tell by itself: ``columns`` maps our names to the file's."""

    format: str = Field(default="", max_length=20)
    columns: dict[str, str] = Field(default_factory=dict, max_length=20)


class CheckpointList(APIView):
    """Checkpoints of a campaign."""

    @extend_schema(operation_id="checkpoint_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """All of them, the oldest first."""
        rows = campaign_of(request, slug).checkpoints.order_by("id")
        return Response({"data": [checkpoint_json(row) for row in rows]})

    @extend_schema(operation_id="checkpoint_register", request=NamedPathBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """Start the registration of a checkpoint's folder."""
        body, campaign = body_of(request, NamedPathBody), campaign_of(request, slug, "research")
        return accepted(checkpoint_submit(actor=person_of(request), campaign=campaign, **dict(body)))


class BenchmarkList(APIView):
    """Benchmarks of a campaign."""

    @extend_schema(operation_id="benchmark_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """All of them, the oldest first; ``items`` is 0 while the import goes on."""
        rows = campaign_of(request, slug).benchmarks.order_by("id")
        return Response({"data": [benchmark_json(row) for row in rows]})

    @extend_schema(operation_id="benchmark_import", request=BenchmarkBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """Start the import of a file; docs/benchmarks.md has the formats."""
        body, campaign = body_of(request, BenchmarkBody), campaign_of(request, slug, "research")
        return accepted(benchmark_submit(actor=person_of(request), campaign=campaign, **dict(body)))


class ReportDetail(APIView):
    """What a checkpoint cannot do."""

    @extend_schema(operation_id="report_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """A report with every skill's counts, interval and verdict."""
        return Response(report_json(report_of(campaign_of(request, slug), pk)))


def accepted(job: Job) -> Response:
    """202: the job that does it, to be asked for at jobs/{id}."""
    return Response({"job": job.pk, "kind": job.kind, "status": job.status}, status=202)


def checkpoint_json(row: Checkpoint) -> dict[str, Any]:
    """A checkpoint as the API shows it."""
    fields = ("id", "name", "path", "content_hash", "num_bytes", "created_at")
    return {**{name: getattr(row, name) for name in fields}, "parent": row.parent_id}


def benchmark_json(row: Benchmark) -> dict[str, Any]:
    """A benchmark as the API shows it."""
    return {"id": row.pk, "name": row.name, "items": row.num_items, "created_at": row.created_at}
