"""REST for campaigns, endpoints and jobs."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.access import require
from core.api import Body, body_of, campaign_of, person_of
from core.campaigns import campaign_create, endpoint_set, is_key_set
from core.jobs.services import job_cancel, job_pause, job_resume, job_retry
from core.models import Campaign, Endpoint, Job


class CampaignBody(Body):
    """A new campaign."""

    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")
    name: str = Field(min_length=1, max_length=120)
    seed: int = Field(default=0, ge=0, lt=1 << 62)
    settings: dict[str, Any] = {}


class EndpointBody(Body):
    """One role's endpoint."""

    role: str = Field(pattern=r"^[a-z_]{1,20}$")
    base_url: str = Field(max_length=300)
    model: str = Field(min_length=1, max_length=120)
    key_env: str = Field(default="", pattern=r"^[A-Z0-9_]{0,60}$")
    concurrency: int = Field(default=16, ge=1, le=1024)
    timeout_s: float | None = Field(default=None, gt=0, le=3600, description="seconds; empty: what suits the role")
    price_in: float = Field(default=0, ge=0)
    price_out: float = Field(default=0, ge=0)
    price_image: float = Field(default=0, ge=0)


class EndpointsBody(Body):
    """The endpoints of a campaign."""

    endpoints: list[EndpointBody]


class CampaignList(APIView):
    """Campaigns that this person may view."""

    @extend_schema(operation_id="campaign_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """All of them; there are few."""
        person = person_of(request)
        rows = Campaign.objects.order_by("id")
        mine = rows if person.is_superuser else rows.filter(memberships__user=person)
        return Response({"data": [campaign_json(row) for row in mine]})

    @extend_schema(operation_id="campaign_create", request=CampaignBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        """Make one; 201, or 200 when this very campaign exists already."""
        body = body_of(request, CampaignBody)
        known = Campaign.objects.filter(slug=body.slug).exists()
        campaign = campaign_create(actor=person_of(request), **dict(body))
        return Response(campaign_json(campaign), status=200 if known else 201)


class CampaignDetail(APIView):
    """One campaign."""

    @extend_schema(operation_id="campaign_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Its settings."""
        return Response(campaign_json(campaign_of(request, slug)))


class EndpointList(APIView):
    """Who plays which role."""

    @extend_schema(operation_id="endpoint_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """All endpoints of the campaign; keys are never shown, only the variable that holds them."""
        campaign = campaign_of(request, slug)
        return Response({"data": [endpoint_json(row) for row in campaign.endpoints.order_by("role")]})

    @extend_schema(operation_id="endpoint_set", request=EndpointsBody, responses=OpenApiTypes.OBJECT)
    def put(self, request: Request, slug: str) -> Response:
        """Set the given roles; other roles stay."""
        body = body_of(request, EndpointsBody)
        campaign = campaign_of(request, slug, "admin")
        actor = person_of(request)
        for one in body.endpoints:
            fields = one.model_dump(exclude={"role"})
            endpoint_set(actor=actor, campaign=campaign, role=one.role, fields=fields)
        return self.get(request, slug)


class JobDetail(APIView):
    """Long work."""

    @extend_schema(operation_id="job_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: int) -> Response:
        """Status, progress, result, error."""
        return Response(job_json(job_of(request, pk)))

    @extend_schema(operation_id="job_cancel", responses=OpenApiTypes.OBJECT)
    def delete(self, request: Request, pk: int) -> Response:
        """Ask it to stop."""
        job_of(request, pk)
        return Response(job_json(job_cancel(actor=person_of(request), job_id=pk)), status=202)


class JobPause(APIView):
    """Holding still."""

    @extend_schema(operation_id="job_pause", request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, pk: int) -> Response:
        """Let a job that asks endpoints pause: calls in flight are answered and stored, none is sent anew."""
        job_of(request, pk)
        return Response(job_json(job_pause(actor=person_of(request), job_id=pk)), status=202)


class JobResume(APIView):
    """Going on."""

    @extend_schema(operation_id="job_resume", request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, pk: int) -> Response:
        """Let a paused job go on from what it stored."""
        job_of(request, pk)
        return Response(job_json(job_resume(actor=person_of(request), job_id=pk)), status=202)


class JobRetry(APIView):
    """Trying again."""

    @extend_schema(operation_id="job_retry", request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, pk: int) -> Response:
        """Let a job that did not succeed run again."""
        job_of(request, pk)
        return Response(job_json(job_retry(actor=person_of(request), job_id=pk)), status=202)


def job_of(request: Request, pk: int) -> Job:
    """A job that this person may know of."""
    job = Job.objects.select_related("campaign").get(pk=pk)
    require(person_of(request), "view", job.campaign)
    return job


def campaign_json(campaign: Campaign) -> dict[str, Any]:
    """A campaign as the API shows it."""
    settings = campaign.config.model_dump(mode="json")
    return {"slug": campaign.slug, "name": campaign.name, "seed": campaign.seed, "settings": settings}


def endpoint_json(row: Endpoint) -> dict[str, Any]:
    """An endpoint as the API shows it, with what its last test found."""
    fields = ("role", "base_url", "model", "key_env", "concurrency", "timeout_s", "capabilities", "checked_at")
    prices = {name: float(getattr(row, name)) for name in ("price_in", "price_out", "price_image")}
    flags = {"is_key_set": is_key_set(row), "is_private": row.is_private}
    return {**{name: getattr(row, name) for name in fields}, **prices, **flags}


def job_json(job: Job) -> dict[str, Any]:
    """A job as the API shows it."""
    fields = ("id", "kind", "queue", "status", "attempt", "done", "total", "unit", "error_code", "error_message")
    times = {name: getattr(job, name) for name in ("created_at", "started_at", "pause_requested_at", "ended_at")}
    return {**{name: getattr(job, name) for name in fields}, **times, "result": job.result}
