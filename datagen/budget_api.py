"""REST of a mixture's budget."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import body_of, campaign_of, person_of
from core.budget_api import campaign_budget
from core.budget_caps import CapValues
from core.budget_page import budget_json, budgets_burn
from core.budgets import budget_set
from core.domain.budget import KINDS, Spend
from datagen.budgets import mixture_forecast
from datagen.domain.forecast import Forecast
from datagen.models import Mixture
from datagen.selectors import mixture_of
from datagen.tries import scope_of


class MixtureBudget(APIView):
    """What filling a mixture's slots may cost, and what it has cost."""

    @extend_schema(operation_id="mixture_budget_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Its own budget, the campaign's, and a forecast by role from the campaign's ended slots."""
        return Response(mixture_budget(mixture_of(campaign_of(request, slug), pk)))

    @extend_schema(operation_id="mixture_budget_set", request=CapValues, responses=OpenApiTypes.OBJECT)
    def put(self, request: Request, slug: str, pk: int) -> Response:
        """Set its caps; what is left out has none. The campaign's caps hold as well."""
        values, mixture = body_of(request, CapValues), mixture_of(campaign_of(request, slug), pk)
        budget_set(actor=person_of(request), campaign=mixture.campaign, scope=scope_of(mixture.pk), values=values)
        return Response(mixture_budget(mixture))


def mixture_budget(mixture: Mixture) -> dict[str, Any]:
    """Both budgets that the mixture's calls count for, and the forecast."""
    own = budgets_burn(mixture.campaign, scope_of(mixture.pk))[len(KINDS) :]
    told = {"campaign": campaign_budget(mixture.campaign), "forecast": forecast_json(mixture_forecast(mixture))}
    return {**budget_json(own), **told}


def forecast_json(found: Forecast) -> dict[str, Any]:
    """A forecast as the API shows it; a role that nothing is known of has null."""
    roles = {line.role: spend_json(line.spend) if line.spend else None for line in found.lines}
    return {"roles": roles, "known": spend_json(found.known), "unknown": found.unknown, "slots": found.num_slots}


def spend_json(spend: Spend) -> dict[str, Any]:
    """Calls, tokens and money, the last as text."""
    return {"money": f"{spend.money:.6f}", "tokens": spend.tokens, "calls": spend.calls}
