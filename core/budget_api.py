"""REST of a campaign's budget."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import body_of, campaign_of, person_of
from core.budget_caps import CapValues
from core.budget_page import budget_json, budgets_burn
from core.budgets import budget_set, jobs_short
from core.models import Campaign


class BudgetDetail(APIView):
    """What a campaign may spend, and what it has spent."""

    @extend_schema(operation_id="budget_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Money, tokens, calls, seconds: spent, reserved for calls in flight, cap; and the jobs that paused at one."""
        return Response(campaign_budget(campaign_of(request, slug)))

    @extend_schema(operation_id="budget_set", request=CapValues, responses=OpenApiTypes.OBJECT)
    def put(self, request: Request, slug: str) -> Response:
        """Set the caps; what is left out has none. Jobs that paused at a cap go on when somebody resumes them."""
        values, campaign = body_of(request, CapValues), campaign_of(request, slug)
        budget_set(actor=person_of(request), campaign=campaign, scope="", values=values)
        return Response(campaign_budget(campaign))


def campaign_budget(campaign: Campaign) -> dict[str, Any]:
    """The campaign's own budget as the API shows it."""
    return {**budget_json(budgets_burn(campaign)), "paused_jobs": [job.pk for job in jobs_short(campaign)]}
