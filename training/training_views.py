"""Training pages: every run, and one run as it learns."""

from typing import cast

from csp.decorators import csp_update
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.vary import vary_on_headers

from core.pages import number_of, part_wanted
from core.selectors import campaign_open
from training.selectors.runs import run_of
from training.training_page import PAGE, run_lines, training_run_context
from training.views import PLOTLY_STYLES

PARTS = {
    "training-state": "training/_training_state.html",
    "training-preflight": "training/_training_preflight.html",
    "training-live": "training/_training_live.html",
}


def training_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Every training run of the campaign."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    lines = run_lines(campaign, number_of(request, "before"))
    context = {"section": "campaigns", "tab": "training", "campaign": campaign, "lines": lines[:PAGE]}
    context["may_research"] = "research" in rights
    context["more"] = lines[PAGE - 1].run.pk if len(lines) > PAGE else None
    return render(request, "training/training_list.html", context)


@csp_update({"style-src": PLOTLY_STYLES})  # type: ignore[arg-type]  # it only knows views without arguments
@vary_on_headers("HX-Request", "HX-Target")
def training_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One run; while it trains, its state and its values ask this same address for themselves."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    asked = request.GET.get("of", "")
    context = training_run_context(run_of(campaign, pk), may_research="research" in rights, asked=asked)
    context |= {"section": "campaigns", "tab": "training", "campaign": campaign}
    return render(request, PARTS.get(part_wanted(request), "training/training_detail.html"), context)
