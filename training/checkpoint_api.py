"""REST for the registry of checkpoints; registering a folder stands in diagnostics."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import Body, body_of, campaign_of, person_of
from diagnostics.api import accepted
from training.adapter_page import AdapterView
from training.checkpoint_page import checkpoint_context, checkpoint_download, entry_of
from training.checkpoint_views import choice_in
from training.domain.retention import RetentionChoice
from training.selectors.checkpoints import Entry
from training.selectors.leftovers import Leftover
from training.services.checkpoint_care import (
    RetentionPlan,
    checkpoint_pin,
    retention_apply,
    retention_plan,
)
from training.services.merges import base_named, merge_submit


class PinBody(Body):
    """Whether the files are kept whatever retention says."""

    is_pinned: bool


class MergeBody(Body):
    """Which checkpoint the adapters were trained on; may be left out where their ``parent`` is known."""

    base: int | None = None


class RemoveBody(Body):
    """Which plan is carried out: ``seen`` is the dry run's."""

    keep: int = RetentionChoice.keep_newest
    days: int = RetentionChoice.days
    completions: bool = RetentionChoice.with_completions
    seen: str = Field(min_length=1, max_length=64)


class CheckpointDetail(APIView):
    """One checkpoint."""

    @extend_schema(operation_id="checkpoint_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Its lineage, what made it, what became of its files, and the command that serves it."""
        found = checkpoint_context(campaign_of(request, slug), pk)
        more = {
            "lineage": [entry.checkpoint.pk for entry in found["line"]],
            "children": [entry.checkpoint.pk for entry in found["children"]],
            "serve": found["serve"],
            "adapter": adapter_json(found["adapter"]),
        }
        return Response({**entry_json(found["entry"]), **more})


class CheckpointPin(APIView):
    """Keeping a checkpoint's files."""

    @extend_schema(operation_id="checkpoint_pin", request=PinBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Pin it, or take the pin out."""
        body, campaign = body_of(request, PinBody), campaign_of(request, slug, "research")
        checkpoint = entry_of(campaign, pk)[1].checkpoint
        checkpoint_pin(actor=person_of(request), checkpoint=checkpoint, is_pinned=body.is_pinned)
        return Response(entry_json(entry_of(campaign, pk)[1]))


class CheckpointMerge(APIView):
    """Adapters as a full checkpoint."""

    @extend_schema(operation_id="checkpoint_merge", request=MergeBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Start the job that merges them into their base; its result names the new checkpoint."""
        body, campaign = body_of(request, MergeBody), campaign_of(request, slug, "research")
        adapter = entry_of(campaign, pk)[1].checkpoint
        base = base_named(campaign, body.base)
        return accepted(merge_submit(actor=person_of(request), adapter=adapter, base=base))


class CheckpointFile(APIView):
    """A checkpoint's files."""

    @extend_schema(operation_id="checkpoint_download", responses=OpenApiTypes.BINARY)
    def get(self, request: Request, slug: str, pk: int) -> StreamingHttpResponse:
        """All that make it, as a tar."""
        return checkpoint_download(entry_of(campaign_of(request, slug, "research"), pk)[1])


class Retention(APIView):
    """Removing the files of checkpoints and runs that nobody needs."""

    @extend_schema(
        operation_id="retention_read",
        parameters=[OpenApiParameter(*one) for one in (("keep", int), ("days", int), ("completions", bool))],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, slug: str) -> Response:
        """The dry run: what would go, what is kept and why. ``seen`` names exactly this plan."""
        return Response(plan_json(retention_plan(campaign_of(request, slug), choice_in(request.GET))))

    @extend_schema(operation_id="retention_apply", request=RemoveBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """Remove the files of exactly the plan that was seen; 409 when it changed."""
        body, campaign = body_of(request, RemoveBody), campaign_of(request, slug, "admin")
        choice = RetentionChoice(body.keep, body.days, body.completions)
        plan = retention_apply(actor=person_of(request), campaign=campaign, choice=choice, seen=body.seen)
        return Response(plan_json(plan))


def entry_json(entry: Entry) -> dict[str, Any]:
    """A checkpoint with what is known of it."""
    row = entry.checkpoint
    names = ("id", "name", "path", "content_hash", "num_bytes", "created_at")
    made = {"training_run": entry.run.pk if entry.run else None, "dataset": entry.run.dataset_id if entry.run else None}
    stands = {"files": entry.status, "is_promoted": entry.is_promoted, "is_pinned": entry.is_pinned}
    rounds = {"rounds": [round.number for round in entry.rounds], "steps": steps_of(entry), "needs": entry.needs}
    stands["is_merged"] = entry.is_merged
    return {**{name: getattr(row, name) for name in names}, "parent": row.parent_id, **made, **stands, **rounds}


def adapter_json(view: AdapterView | None) -> dict[str, Any] | None:
    """What adapters are; None for a full checkpoint."""
    return {"rank": view.rank, "base_named": view.named, "merge": view.job and view.job.pk} if view else None


def steps_of(entry: Entry) -> int | None:
    """How many steps made it; None for one that was brought in."""
    return entry.run.result.get("steps") if entry.run else None


def plan_json(plan: RetentionPlan) -> dict[str, Any]:
    """A plan of retention."""
    kept = [{"checkpoint": entry.checkpoint.pk, "because": reason} for entry, reason in plan.kept]
    going = [entry.checkpoint.pk for entry in plan.going]
    choice = plan.choice
    asked = {"keep": choice.keep_newest, "days": choice.days, "completions": choice.with_completions}
    found = {"seen": plan.seen, "going": going, "num_bytes": plan.num_bytes, "kept": kept}
    return {**asked, **found, "leftovers": [leftover_json(left) for left in plan.leftovers]}


def leftover_json(left: Leftover) -> dict[str, Any]:
    """What a run left; ``because`` says why it stays, and is empty where it goes."""
    return {"training_run": left.run.pk, "kind": left.kind, "num_bytes": left.num_bytes, "because": left.reason}
