"""A mixture's budget: what it spent beside its caps and the campaign's, and what it may still cost."""

from django.db.models import Count, Sum

from core.domain.budget import Spend
from core.image_edits import EDITOR
from core.models import Campaign, ModelCall
from core.roles import CHAT_ROLES
from datagen.domain.forecast import Forecast, forecast
from datagen.models import Mixture, Slot

ASKED = (*CHAT_ROLES, EDITOR)


def mixture_forecast(mixture: Mixture) -> Forecast:
    """What this mixture may take, by role, from the slots of this campaign that have ended; three queries."""
    campaign = mixture.campaign
    played = set(campaign.endpoints.values_list("role", flat=True))
    ended = Slot.objects.filter(mixture__campaign=campaign).exclude(status="open").count()
    return forecast([role for role in ASKED if role in played], role_history(campaign), ended, mixture.total)


def role_history(campaign: Campaign) -> dict[str, Spend]:
    """What each role that works on slots took in this campaign so far."""
    calls = ModelCall.objects.filter(campaign=campaign, role__in=ASKED, endpoint__isnull=False, status="answered")
    sums = [Sum("cost"), Sum("tokens_in") + Sum("tokens_out"), Count("pk")]
    rows = calls.order_by().values("role").annotate(money=sums[0], tokens=sums[1], number=sums[2])
    return {row["role"]: Spend(row["money"], row["tokens"], row["number"]) for row in rows}
