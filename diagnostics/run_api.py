"""REST for starting answer runs and for what differs between two of them."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import body_of, campaign_of, person_of
from core.errors import InvalidInput
from core.pages import number_of
from core.specs import Sampling
from diagnostics.api_reads import AnswerRunList
from diagnostics.run_page import differences_json, run_open, runs_differ
from diagnostics.run_spec import Engine
from diagnostics.services.run_submit import answer_run_submit


class RunBody(BaseModel):
    """Who answers which items and how; without ``max_new_tokens`` in ``sampling`` the campaign's limit holds."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    label: str = Field(min_length=1, max_length=120)
    checkpoint: int | None = Field(default=None, description="its id; only a run by endpoint may leave it out")
    engine: Engine = "transformers"
    split: str = "probe"
    benchmark: str = Field(default="", max_length=120, description="its name; empty asks all")
    skill: str = Field(default="", max_length=80, description="empty asks all")
    items_a_skill: int = Field(default=200, ge=1, le=100_000)
    sampling: Sampling = Sampling()


class AnswerRuns(AnswerRunList):
    """Answer runs of a campaign."""

    @extend_schema(operation_id="answer_run_create", request=RunBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """Start a run; 202 with the run and the job that answers it."""
        body, campaign = body_of(request, RunBody), campaign_of(request, slug, "research")
        told: dict[str, Any] = {name: getattr(body, name) for name in type(body).model_fields if name != "checkpoint"}
        run, job = answer_run_submit(
            actor=person_of(request), campaign=campaign, checkpoint_id=body.checkpoint, round_number=1, **told
        )
        facts = {"run": run.pk, "items": run.num_items, "answers": run.num_items * run.num_answers}
        return Response({**facts, "job": job.pk, "kind": job.kind, "status": job.status}, status=202)


class AnswerRunDifferences(APIView):
    """What is not the same about two runs."""

    @extend_schema(
        operation_id="answer_run_differences",
        parameters=[OpenApiParameter("with", int, required=True, description="the other run's id")],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Every fact that both froze and in which they differ; empty for runs that can be compared as they are."""
        campaign, other = campaign_of(request, slug), number_of(request, "with")
        if other is None:
            raise InvalidInput("with: name the other run.", field="with")
        found = runs_differ(run_open(campaign, other), run_open(campaign, pk))
        return Response({"data": differences_json(found)})
