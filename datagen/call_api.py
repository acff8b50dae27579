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
from datagen.calls import CallFilter, call_of, calls_wanted, sample_of_call
from datagen.costs import costs_of
from datagen.domain.costs import CostLine

FILTERS = ("role", "status", "subject")
LISTED = (
    *("id", "role", "tool", "subject", "scope", "round_number", "skill", "status", "num_sent", "prompt_version"),
    *("tokens_in", "tokens_out", "cost", "latency_ms", "error", "created_at", "answered_at"),
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
        """What was asked and what came back, pictures by sha256; ``sample`` is the one that it was for, if any."""
        call = call_of(campaign_of(request, slug), pk)
        texts = {"request_hash": call.request_hash, "inputs": call.inputs, "choices": call.choices}
        sample = sample_of_call(call)
        return Response({**call_listed(call), **texts, "job": call.job_id, "sample": sample.pk if sample else None})


class CallCosts(APIView):
    """What the calls of a campaign cost."""

    @extend_schema(operation_id="call_costs", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """In all, by role, endpoint, round and skill; rounds and skills also for each accepted sample."""
        costs = costs_of(campaign_of(request, slug))
        by_role = [{"role": line.name, "by": line.by, **cost_json(line)} for line in costs.by_role()]
        by_endpoint = [{"by": line.name, "server": line.by, **cost_json(line)} for line in costs.by_endpoint()]
        by_round = [{"round": int(line.name or 0) or None, **each_json(line)} for line in costs.by_round()]
        by_skill = [{"skill": line.name, **each_json(line)} for line in costs.by_skill()]
        parts = {"by_role": by_role, "by_endpoint": by_endpoint, "by_round": by_round, "by_skill": by_skill}
        return Response({"total": each_json(costs.whole()), **parts})


def cost_json(line: CostLine) -> dict[str, Any]:
    """Calls, tokens and money; ``perhaps_twice`` counts calls that were sent again after a kill."""
    cost, mean = line.cost, line.cost.mean_ms
    names = ("calls", "tokens_in", "tokens_out", "failed", "unknown")
    told = {"money": f"{cost.money:.6f}", "perhaps_twice": cost.twice, "mean_ms": None if mean is None else round(mean)}
    return {**{name: getattr(cost, name) for name in names}, **told}


def each_json(line: CostLine) -> dict[str, Any]:
    """The line with what each accepted sample took, rejected tries included; null before the first one."""
    each = {"money": line.money_each, "tokens": line.tokens_each, "calls": line.calls_each}
    told = {name: None if value is None else f"{value:.6f}" for name, value in each.items()}
    return {**cost_json(line), "accepted": line.accepted, "for_one_accepted": told}


def call_listed(call: ModelCall) -> dict[str, Any]:
    """A call as the API lists it; a tool that runs here has no model."""
    told = {name: getattr(call, name) for name in LISTED}
    return {**told, "cost": str(call.cost), "model": call.endpoint.model if call.endpoint else None}
