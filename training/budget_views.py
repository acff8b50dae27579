"""The form on a mixture's page that sets its caps."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from core.budget_form import BudgetForm, budget_panel
from core.budget_views import CAPS_SET
from core.budgets import budget_set
from datagen.tries import scope_of
from training.mixture_page import draft_stored, mixture_context
from training.mixture_views import place_open


@require_POST
def mixture_budget(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Other caps for this mixture's calls from now on."""
    place, form = place_open(request, slug, pk), BudgetForm(request.POST)
    scope = scope_of(place.mixture.pk)
    if form.is_valid():
        budget_set(actor=place.user, campaign=place.campaign, scope=scope, values=form.values)
        messages.success(request, CAPS_SET)
        return redirect("mixture-detail", slug, pk)
    context = mixture_context(place, draft_stored(place.mixture))
    context["budget"] = budget_panel(place.user, place.campaign, scope, form)
    return render(request, "datagen/mixture_detail.html", context, status=400)
