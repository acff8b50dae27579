"""The live page of a generation."""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.vary import vary_on_headers

from core.budget_page import budgets_burn, burns_telling
from core.pages import part_wanted
from core.selectors import campaign_open, job_row, why_ended, why_waiting
from datagen.live import mixture_live
from datagen.live_page import live_context
from datagen.selectors import mixture_of
from datagen.tries import scope_of


@vary_on_headers("HX-Request")
def mixture_live_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """How a mixture's samples come about; the live part asks for itself until all is final."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    mixture, now = mixture_of(campaign, pk), timezone.now()
    live = mixture_live(mixture, now)
    context = {"section": "campaigns", "tab": "mixtures", "campaign": campaign, "mixture": mixture}
    context |= {**live_context(live), "burns": burns_telling(budgets_burn(campaign, scope_of(mixture.pk)))}
    if live.job:
        why = why_waiting(live.job, [], now) if live.job.is_live else why_ended(live.job)
        context["row"] = job_row(live.job, why, may_research="research" in rights)
    return render(request, "datagen/_live.html" if part_wanted(request) else "datagen/mixture_live.html", context)
