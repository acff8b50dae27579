"""REST of the ledger."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import campaign_of, values_of
from core.models import ModelCall
from core.pages import MAX_ID
from datagen.calls import PAGE, CallFilter, call_of, calls_found


class CallQuery(BaseModel):
    """Which calls, and where to go on."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(default="", max_length=20)
    status: str = Field(default="", max_length=10)
    subject: str = Field(default="", max_length=60)
    cursor: int | None = Field(default=None, ge=0, le=MAX_ID)


class CallList(APIView):
    """Calls of a campaign."""

    @extend_schema(
        operation_id="call_list",
        parameters=[OpenApiParameter(name, str) for name in ("role", "status", "subject", "cursor")],
    )
    def get(self, request: Request, slug: str) -> Response:
        """Newest first, without their texts; ``next_cursor`` asks for the next ones and is null at the end."""
        campaign, query = campaign_of(request, slug), values_of(request, CallQuery)
        rows = calls_found(campaign, CallFilter(query.role, query.status, query.subject), query.cursor)
        data = [{**row, "model": row.pop("endpoint__model")} for row in rows[:PAGE]]
        return Response({"data": data, "next_cursor": data[-1]["id"] if len(rows) > PAGE else None})


class CallDetail(APIView):
    """One call."""

    @extend_schema(operation_id="call_read")
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """What was asked and what came back, pictures by sha256."""
        return Response(call_json(call_of(campaign_of(request, slug), pk)))


def call_json(call: ModelCall) -> dict[str, Any]:
    """A call as the API shows it."""
    fields = (
        *("id", "role", "tool", "subject", "status", "num_sent", "prompt_version", "request_hash", "inputs"),
        *("choices", "tokens_in", "tokens_out", "cost", "latency_ms", "error", "created_at", "answered_at"),
    )
    told = {name: getattr(call, name) for name in fields}
    return {**told, "model": call.endpoint.model if call.endpoint else None, "job": call.job_id}
