"""REST of the ledger."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import campaign_of
from core.api_cursor import CURSOR, cursor_page
from core.models import ModelCall
from datagen.calls import CallFilter, call_of, calls_wanted

FILTERS = ("role", "status", "subject")
LISTED = (
    *("id", "role", "tool", "subject", "status", "num_sent", "prompt_version", "tokens_in", "tokens_out"),
    *("cost", "latency_ms", "error", "created_at", "answered_at"),
)

PARAMETERS = [*CURSOR, *(OpenApiParameter(name, str) for name in FILTERS)]


class CallList(APIView):
    """Calls of a campaign."""

    @extend_schema(operation_id="call_list", parameters=PARAMETERS, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Newest first, without their texts; by role, status, and the subject that a try's calls are known by."""
        wanted = CallFilter(**{name: request.query_params.get(name, "") for name in FILTERS})
        rows = calls_wanted(campaign_of(request, slug), wanted).select_related("endpoint")
        return cursor_page(request, rows.defer("inputs", "choices"), call_listed)


class CallDetail(APIView):
    """One call."""

    @extend_schema(operation_id="call_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """What was asked and what came back, pictures by sha256."""
        call = call_of(campaign_of(request, slug), pk)
        texts = {"request_hash": call.request_hash, "inputs": call.inputs, "choices": call.choices}
        return Response({**call_listed(call), **texts, "job": call.job_id})


def call_listed(call: ModelCall) -> dict[str, Any]:
    """A call as the API lists it; a tool that runs here has no model."""
    told = {name: getattr(call, name) for name in LISTED}
    return {**told, "cost": str(call.cost), "model": call.endpoint.model if call.endpoint else None}
