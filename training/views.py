"""Campaign pages and the live page of a round."""

from typing import cast

from csp.decorators import csp_update
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from core.errors import NotFound
from core.models import Campaign
from core.pages import part_wanted
from core.selectors import campaign_open, campaigns_visible
from training.campaign_page import campaign_context, campaign_rows, rounds_context
from training.models import Round
from training.round_page import round_context
from training.selectors.mixtures import objection_now

PARTS = {
    "round-now": "training/_now.html",
    "diagnosis": "training/_diagnosis.html",
    "mixture": "training/_mixture.html",
    "samples": "training/_samples.html",
    "training": "training/_training.html",
    "training-data": "training/_training_data.html",
    "evaluation": "training/_evaluation.html",
    "round-foot": "training/_foot.html",
}

# The two style sheets that plotly.js 3 adds by itself: an empty one, and maplibre's (docs/adr/0007).
PLOTLY_STYLES = [
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-V2sIX92Uh6ZaGSFTKMHghsB85b9toJtmazgG09AI2uk='",
]


@vary_on_headers("HX-Request")
def campaign_list(request: HttpRequest) -> HttpResponse:
    """Every campaign of this person, and where its newest round stands."""
    rows = campaign_rows(campaigns_visible(cast(User, request.user)), timezone.now())
    live = any(row.newest and row.newest.now.stage for row in rows)
    context = {"section": "campaigns", "rows": rows, "live": live}
    part = part_wanted(request)
    return render(request, "training/_campaign_table.html" if part else "training/campaign_list.html", context)


@vary_on_headers("HX-Request")
def campaign_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One campaign: its rounds, and what they are made from."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    context = rounds_context(campaign, rights)
    if part_wanted(request):
        return render(request, "training/_rounds.html", context)
    return render(request, "training/campaign_detail.html", {**context, **campaign_context(campaign)})


@csp_update({"style-src": PLOTLY_STYLES})  # type: ignore[arg-type]  # it only knows views without arguments
@vary_on_headers("HX-Request", "HX-Target")
def round_detail(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """A round as it happens; every live region asks this same address for itself."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    region = part_wanted(request)
    round = round_open(campaign, number)
    context = round_context(campaign, round, rights, region)
    context["objection"] = objection_now(round, context["round"].mixture, cast(User, request.user))
    response = render(request, PARTS.get(region, "training/round_detail.html"), context)
    if request.GET.get("seen", context["now"].position) != context["now"].position:
        trigger_client_event(response, "round-moved")
    return response


def round_open(campaign: Campaign, number: int) -> Round:
    """A round of this campaign."""
    round = Round.objects.select_related("campaign").filter(campaign=campaign, number=number).first()
    if round is None:
        raise NotFound(f"{campaign.name} has no round {number}.")
    return round
