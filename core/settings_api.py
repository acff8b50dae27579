"""REST for what a campaign's admin changes: settings, members; and for testing an endpoint."""

from typing import Annotated, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import Body, body_of, campaign_of, person_of
from core.api_views import endpoint_json
from core.campaign_file import MemberRole
from core.campaign_settings import CampaignSettings
from core.campaigns import campaign_settings_set, member_remove, member_set, settings_hash
from core.concurrency import MOST, concurrency_set
from core.endpoint_test import endpoint_test
from core.errors import InvalidInput, NotFound
from core.models import Campaign

SEEN = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True, description="the ETag that was read")


class MemberBody(Body):
    """What a member may do."""

    role: MemberRole


class SettingsDetail(APIView):
    """A campaign's settings."""

    @extend_schema(operation_id="settings_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """All of them; the ETag names exactly these."""
        return settings_answer(campaign_of(request, slug))

    @extend_schema(
        operation_id="settings_set", parameters=[SEEN], request=CampaignSettings, responses=OpenApiTypes.OBJECT
    )
    def put(self, request: Request, slug: str) -> Response:
        """Other settings; what is left out takes its default. 409 when they are not those of If-Match any more."""
        campaign = campaign_of(request, slug, "admin")
        seen = request.headers.get("If-Match", "").strip().strip('"')
        if not seen:
            raise InvalidInput("If-Match: send the ETag of the settings that you read.", field="If-Match")
        actor = person_of(request)
        return settings_answer(campaign_settings_set(actor=actor, campaign=campaign, settings=request.data, seen=seen))


class ConcurrencyBody(Body):
    """What is to go on at once; what is left out stays."""

    slots: int | None = Field(default=None, ge=1, le=MOST)
    calls: dict[str, Annotated[int, Field(ge=1, le=MOST)]] = {}


class ConcurrencyDetail(APIView):
    """How much goes on at once."""

    @extend_schema(operation_id="concurrency_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Slots that agents work on at once, and calls at once by role."""
        return Response(concurrency_json(campaign_of(request, slug)))

    @extend_schema(operation_id="concurrency_set", request=ConcurrencyBody, responses=OpenApiTypes.OBJECT)
    def patch(self, request: Request, slug: str) -> Response:
        """Other numbers; jobs that run take them up within two seconds."""
        body, campaign = body_of(request, ConcurrencyBody), campaign_of(request, slug, "research")
        concurrency_set(actor=person_of(request), campaign=campaign, slots=body.slots, calls=body.calls)
        return Response(concurrency_json(campaign))


class MemberList(APIView):
    """People of a campaign."""

    @extend_schema(operation_id="member_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """All of them, by name."""
        return Response({"data": members_json(campaign_of(request, slug))})


class MemberDetail(APIView):
    """One person in a campaign."""

    @extend_schema(operation_id="member_set", request=MemberBody, responses=OpenApiTypes.OBJECT)
    def put(self, request: Request, slug: str, name: str) -> Response:
        """Add the person, or change the role; the last admin stays one."""
        body, campaign = body_of(request, MemberBody), campaign_of(request, slug, "admin")
        member = member_set(actor=person_of(request), campaign=campaign, username=name, role=body.role)
        return Response({"user": name, "role": member.role})

    @extend_schema(operation_id="member_remove", responses={204: None})
    def delete(self, request: Request, slug: str, name: str) -> Response:
        """Remove the person."""
        campaign = campaign_of(request, slug, "admin")
        member_remove(actor=person_of(request), campaign=campaign, username=name)
        return Response(status=204)


class EndpointTest(APIView):
    """The test button."""

    @extend_schema(operation_id="endpoint_test", request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, role: str) -> Response:
        """One call that tells what the endpoint can do; ``capabilities.error`` says what to change."""
        campaign = campaign_of(request, slug, "research")
        endpoint = campaign.endpoints.select_related("campaign").filter(role=role).first()
        if endpoint is None:
            raise NotFound(f"No endpoint plays {role!r} in {campaign}.")
        return Response(endpoint_json(endpoint_test(actor=person_of(request), endpoint=endpoint)))


def settings_answer(campaign: Campaign) -> Response:
    """The settings, and the ETag that an If-Match repeats."""
    settings = campaign.config.model_dump(mode="json")
    return Response(settings, headers={"ETag": f'"{settings_hash(campaign)}"'})


def concurrency_json(campaign: Campaign) -> dict[str, Any]:
    """What goes on at once, as the API shows it."""
    calls = dict(campaign.endpoints.order_by("role").values_list("role", "concurrency"))
    return {"slots": campaign.config.generation.concurrency, "calls": calls}


def members_json(campaign: Campaign) -> list[dict[str, Any]]:
    """Members as the API shows them."""
    rows = campaign.memberships.order_by("user__username").values_list("user__username", "role")
    return [{"user": user, "role": role} for user, role in rows]
