"""The ledger's pages: what calls cost, every call, and what was said in one."""

from collections.abc import Callable
from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.pages import number_of
from core.selectors import campaign_open
from datagen.calls import PAGE, STATUSES, CallFilter, call_of, call_view, calls_found
from datagen.costs import costs_of
from datagen.domain.costs import CostLine, Costs

WAYS: dict[str, Callable[[Costs], list[CostLine]]] = {
    "role": Costs.by_role,
    "endpoint": Costs.by_endpoint,
    "round": Costs.by_round,
    "skill": Costs.by_skill,
}


def call_list(request: HttpRequest, slug: str) -> HttpResponse:
    """What calls cost, by what the query wants, then the calls, newest first."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    wanted = CallFilter(**{name: request.GET.get(name, "") for name in ("role", "status", "subject")})
    calls, costs = calls_found(campaign, wanted, number_of(request, "before")), costs_of(campaign)
    way = request.GET.get("by", "")
    way = way if way in WAYS else "role"
    context = {
        "section": "campaigns",
        "tab": "calls",
        "campaign": campaign,
        "wanted": wanted,
        "ways": list(WAYS),
        "way": way,
        "lines": WAYS[way](costs),
        "whole": costs.whole(),
        "roles": sorted({cell.role for cell in costs.cells}),
        "statuses": STATUSES,
        "calls": calls[:PAGE],
        "more": calls[PAGE - 1]["id"] if len(calls) > PAGE else None,
    }
    return render(request, "datagen/call_list.html", context)


def call_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """What was asked, what was shown, what came back."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    view = call_view(call_of(campaign, pk))
    context = {"section": "campaigns", "tab": "calls", "campaign": campaign, "view": view, "call": view.call}
    return render(request, "datagen/call_detail.html", context)
