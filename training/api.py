"""REST for rounds: start one, look at it, and what people decide in it."""

from dataclasses import asdict
from typing import Any, Literal

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import Body, body_of, campaign_of, person_of
from core.errors import InvalidInput, NotFound
from core.models import Campaign
from diagnostics.models import Checkpoint
from training.models import Round
from training.selectors.rounds import campaign_rounds, round_overview
from training.services.rounds import (
    round_approve,
    round_decide,
    round_retry,
    round_send_back,
    round_start,
    round_stop,
    stage_redo,
)


class StartBody(Body):
    """A new round; without a checkpoint it starts from what the last round left."""

    checkpoint: int | None = None


class CommentBody(Body):
    """Why."""

    comment: str = Field(default="", max_length=2000)


class ApproveBody(CommentBody):
    """Which manifest is approved."""

    manifest_hash: str = Field(min_length=1, max_length=64)


class DecideBody(CommentBody):
    """Whether the child replaces its parent."""

    decision: Literal["promoted", "rejected"]


class RedoBody(Body):
    """Which stage to do over."""

    stage: str


class RoundList(APIView):
    """The campaign's rounds."""

    @extend_schema(operation_id="round_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """All of them, newest first, as lines."""
        return Response({"data": [asdict(line) for line in campaign_rounds(campaign_of(request, slug))]})

    @extend_schema(operation_id="round_start", request=StartBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """Start the next one; 409 while another is open."""
        body = body_of(request, StartBody)
        campaign = campaign_of(request, slug)
        checkpoint = checkpoint_of(campaign, body.checkpoint)
        round = round_start(actor=person_of(request), campaign=campaign, checkpoint=checkpoint)
        return Response(round_json(round), status=201)


class RoundDetail(APIView):
    """One round with everything in it."""

    @extend_schema(operation_id="round_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Its stages, mixture, report, samples and evaluation."""
        return Response(round_json(round_of(request, slug, number)))


class RoundApprove(APIView):
    """Approving the mixture."""

    @extend_schema(operation_id="round_approve", request=ApproveBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Approve exactly the manifest with this hash; 409 when it changed."""
        body = body_of(request, ApproveBody)
        round = round_of(request, slug, number)
        return Response(round_json(round_approve(actor=person_of(request), round=round, **dict(body))))


class RoundSendBack(APIView):
    """Refusing the mixture."""

    @extend_schema(operation_id="round_send_back", request=CommentBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Say what should be otherwise; the mixture is proposed again."""
        body = body_of(request, CommentBody)
        round = round_of(request, slug, number)
        return Response(round_json(round_send_back(actor=person_of(request), round=round, comment=body.comment)))


class RoundDecide(APIView):
    """Deciding where the gate waits."""

    @extend_schema(operation_id="round_decide", request=DecideBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Promote or reject the child; rejecting also ends a round that is stuck."""
        body = body_of(request, DecideBody)
        round = round_of(request, slug, number)
        return Response(round_json(round_decide(actor=person_of(request), round=round, **dict(body))))


class RoundRetry(APIView):
    """Trying again."""

    @extend_schema(operation_id="round_retry", request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Let the job of the stage that did not succeed run again."""
        round = round_of(request, slug, number)
        return Response(round_json(round_retry(actor=person_of(request), round=round)), status=202)


class RoundStop(APIView):
    """Stopping training so that it can go on later."""

    @extend_schema(operation_id="round_stop", request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Finish the present generation, save, end as cancelled; 409 when the round does not train."""
        round = round_of(request, slug, number)
        return Response(round_json(round_stop(actor=person_of(request), round=round)), status=202)


class RoundRedo(APIView):
    """Doing a stage over."""

    @extend_schema(operation_id="round_redo", request=RedoBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Open the next take of a stage; later stages become stale."""
        body = body_of(request, RedoBody)
        round = round_of(request, slug, number)
        stage_redo(actor=person_of(request), round=round, stage=body.stage)
        return Response(round_json(round), status=202)


def round_of(request: Request, slug: str, number: int) -> Round:
    """A round of a campaign that this person may view."""
    campaign = campaign_of(request, slug)
    found = Round.objects.select_related("campaign").filter(campaign=campaign, number=number).first()
    if found is None:
        raise NotFound(f"{campaign} has no round {number}.")
    return found


def checkpoint_of(campaign: Campaign, pk: int | None) -> Checkpoint | None:
    """The named checkpoint of this campaign; None when none is named."""
    found = Checkpoint.objects.filter(campaign=campaign, pk=pk).first() if pk is not None else None
    if pk is not None and found is None:
        raise InvalidInput(f"checkpoint: {campaign} has none with the id {pk}.", field="checkpoint")
    return found


def round_json(round: Round) -> dict[str, Any]:
    """A round as the API shows it."""
    return asdict(round_overview(round))
