"""REST for what comes in from files: benchmarks, dry runs of them, and predictions made elsewhere."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from pydantic import ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import Body, body_of, campaign_of, person_of
from diagnostics.api import accepted
from diagnostics.services.benchmarks import benchmark_check_submit
from diagnostics.services.predictions import predictions_submit


class CheckBody(Body):
    """A path below the import folders, and how the file is to be read where it does not tell by itself."""

    model_config = ConfigDict(str_strip_whitespace=True)

    path: str = Field(min_length=1, max_length=500)
    format: str = Field(default="", max_length=20)
    columns: dict[str, str] = Field(default_factory=dict, max_length=20)


class PredictionsBody(Body):
    """A file of predictions, whose they are, and which benchmark they answer."""

    model_config = ConfigDict(str_strip_whitespace=True)

    benchmark: str = Field(min_length=1, max_length=120)
    checkpoint_name: str = Field(min_length=1, max_length=120)
    path: str = Field(min_length=1, max_length=500)
    split: str = Field(default="probe", max_length=8)


class BenchmarkCheck(APIView):
    """Dry runs of benchmark files."""

    @extend_schema(operation_id="benchmark_check", request=CheckBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """Start a job that looks at a file and stores nothing; its result is the report."""
        body, campaign = body_of(request, CheckBody), campaign_of(request, slug, "research")
        return accepted(benchmark_check_submit(actor=person_of(request), campaign=campaign, **dict(body)))


class PredictionsImport(APIView):
    """Predictions made elsewhere."""

    @extend_schema(operation_id="predictions_import", request=PredictionsBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """Start a job that brings predictions in; its result names the run, the report, and what did not join."""
        body, campaign = body_of(request, PredictionsBody), campaign_of(request, slug, "research")
        return accepted(predictions_submit(actor=person_of(request), campaign=campaign, **dict(body)))
