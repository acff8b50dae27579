"""REST for samples: lists by filter, a sample's whole story, and what people decide."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import Body, body_of, campaign_of, person_of
from core.errors import InvalidInput, NotFound
from core.models import Campaign, ModelCall
from datagen.bulk_page import ids_of
from datagen.models import Sample, SampleDecision
from datagen.queue_page import COLUMNS, cursor_of, filter_of, rows_after, samples_wanted
from datagen.selectors import calls_of_sample, sample_of
from datagen.services.bulk_curation import MAX_BULK, samples_decide
from datagen.services.curation import (
    MAX_COMMENT,
    sample_accept,
    sample_decision_undo,
    sample_reassign,
    sample_reject,
)

PAGE = 100
FILTERS = [OpenApiParameter(name, str) for name in (*COLUMNS, "cursor")]


class CommentBody(Body):
    """Why."""

    comment: str = Field(default="", max_length=MAX_COMMENT)


class ReassignBody(CommentBody):
    """Where to: a skill of the mixture, or the number of one of its slots."""

    skill: str = Field(default="", max_length=80)
    slot: int | None = Field(default=None, ge=0, lt=1 << 31)


class UndoBody(Body):
    """Which decision to take back; the newest one."""

    decision: int = Field(ge=1, lt=1 << 63)


class FilterBody(Body):
    """The same filters as the list's."""

    status: str = ""
    reason: str = ""
    skill: str = ""
    purpose: str = ""
    mixture: str = ""


class DecideBody(CommentBody):
    """One decision about named samples, or about all that a filter shows; a dry run unless told otherwise."""

    decision: Literal["accept", "reject", "reassign"]
    samples: list[Annotated[int, Field(ge=1, lt=1 << 63)]] | None = Field(default=None, max_length=MAX_BULK)
    filter: FilterBody | None = None
    skill: str = Field(default="", max_length=80)
    dry_run: bool = True


class SampleList(APIView):
    """Samples of a campaign."""

    @extend_schema(operation_id="sample_list", parameters=FILTERS, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """By status and id, a hundred a page; without a status those that wait for a person, with ``all`` every one."""
        campaign = campaign_of(request, slug)
        wanted = filter_of(request.query_params.dict())
        rows = rows_after(samples_wanted(campaign, wanted), request.query_params.get("cursor", ""), field="cursor")
        found = list(rows.select_related("slot")[: PAGE + 1])
        more = cursor_of(found[PAGE - 1]) if len(found) > PAGE else None
        return Response({"data": [sample_json(row) for row in found[:PAGE]], "next_cursor": more})


class SampleDetail(APIView):
    """One sample."""

    @extend_schema(operation_id="sample_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Its question, evidence, calls and decisions."""
        return Response(story_json(sample_of(campaign_of(request, slug), pk)))


class SampleAccept(APIView):
    """Accepting."""

    @extend_schema(operation_id="sample_accept", request=CommentBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Let a rejected or held sample fill its slot; 409 when that cannot be."""
        body, sample = body_of(request, CommentBody), sample_of(campaign_of(request, slug, "curate"), pk)
        return Response(sample_json(sample_accept(actor=person_of(request), sample_id=sample.pk, comment=body.comment)))


class SampleReject(APIView):
    """Rejecting."""

    @extend_schema(operation_id="sample_reject", request=CommentBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Take an accepted or held sample out; its slot is given up."""
        body, sample = body_of(request, CommentBody), sample_of(campaign_of(request, slug, "curate"), pk)
        return Response(sample_json(sample_reject(actor=person_of(request), sample_id=sample.pk, comment=body.comment)))


class SampleMove(APIView):
    """Moving."""

    @extend_schema(operation_id="sample_reassign", request=ReassignBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Accept a sample for another open or given up slot of its mixture."""
        body, sample = body_of(request, ReassignBody), sample_of(campaign_of(request, slug, "curate"), pk)
        moved = sample_reassign(
            actor=person_of(request),
            sample_id=sample.pk,
            comment=body.comment,
            skill=body.skill,
            slot_index=body.slot,
        )
        return Response(sample_json(moved))


class SampleUndo(APIView):
    """Taking back."""

    @extend_schema(operation_id="sample_undo", request=UndoBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Undo the newest decision; 409 when anything happened since."""
        body, sample = body_of(request, UndoBody), sample_of(campaign_of(request, slug, "curate"), pk)
        if not sample.decisions.filter(pk=body.decision).exists():
            raise NotFound(f"Sample {pk} has no decision {body.decision}.")
        return Response(sample_json(sample_decision_undo(actor=person_of(request), decision_id=body.decision)))


class SampleDecide(APIView):
    """One decision about many."""

    @extend_schema(operation_id="sample_decide", request=DecideBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """What was decided (or would be), each refusal with its reason, and how the skills' numbers change."""
        body, campaign = body_of(request, DecideBody), campaign_of(request, slug, "curate")
        done = samples_decide(
            actor=person_of(request),
            sample_ids=ids_chosen(campaign, body),
            decision=body.decision,
            comment=body.comment,
            skill=body.skill,
            dry_run=body.dry_run,
        )
        return Response(asdict(done))


def ids_chosen(campaign: Campaign, body: DecideBody) -> Sequence[int]:
    """The samples that the body names, by id or by filter; InvalidInput for another campaign's."""
    if (body.samples is None) == (body.filter is None):
        raise InvalidInput("samples: name samples or a filter, one of the two.", field="samples")
    if body.filter is not None:
        rows = samples_wanted(campaign, filter_of(body.filter.model_dump())).order_by("pk")
        return list(rows.values_list("pk", flat=True)[: MAX_BULK + 1])
    return ids_of(campaign, body.samples or [])


def sample_json(row: Sample) -> dict[str, Any]:
    """A sample as the API lists it."""
    names = ("id", "try_ix", "status", "reason", "question", "options", "answer", "answer_type", "is_gold_confirmed")
    numbers = ("num_correct", "num_scored", "gradient_probability", "created_at")
    slot = {name: getattr(row.slot, name) for name in ("index", "skill", "purpose", "status", "reason")}
    facts = {name: getattr(row, name) for name in (*names, *numbers)}
    return {**facts, "image": row.media_id, "mixture": row.slot.mixture_id, "slot": slot}


def story_json(sample: Sample) -> dict[str, Any]:
    """A sample with everything that is known of it."""
    decisions = sample.decisions.select_related("actor", "slot_before").order_by("pk")
    calls = [call_json(call) for call in calls_of_sample(sample)]
    return {
        **sample_json(sample),
        "evidence": sample.evidence,
        "calls": calls,
        "decisions": [decision_json(one) for one in decisions],
    }


def call_json(call: ModelCall) -> dict[str, Any]:
    """A call as a sample's story tells it."""
    names = ("id", "role", "tool", "subject", "prompt_version", "status", "num_sent", "inputs", "choices")
    numbers = ("tokens_in", "tokens_out", "latency_ms", "error", "created_at", "answered_at")
    facts = {name: getattr(call, name) for name in (*names, *numbers)}
    return {**facts, "cost": str(call.cost), "model": call.endpoint.model if call.endpoint else None}


def decision_json(row: SampleDecision) -> dict[str, Any]:
    """What a person decided."""
    names = ("id", "decision", "comment", "status_before", "reason_before", "try_before", "at", "undone_at")
    facts = {name: getattr(row, name) for name in names}
    return {**facts, "by": row.actor.get_username(), "slot_before": row.slot_before.index}
