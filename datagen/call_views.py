"""The ledger's pages: what calls cost, every call, and what was said in one."""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.pages import number_of
from core.selectors import campaign_open
from datagen.calls import PAGE, STATUSES, CallFilter, call_of, call_view, calls_found, calls_spent


def call_list(request: HttpRequest, slug: str) -> HttpResponse:
    """What was spent by role, then the calls, newest first."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    wanted = CallFilter(**{name: request.GET.get(name, "") for name in ("role", "status", "subject")})
    calls, spent = calls_found(campaign, wanted, number_of(request, "before")), calls_spent(campaign)
    context = {
        "section": "campaigns",
        "tab": "calls",
        "campaign": campaign,
        "wanted": wanted,
        "spent": spent,
        "total": sum(row.cost for row in spent),
        "roles": list(dict.fromkeys(row.role for row in spent)),
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
