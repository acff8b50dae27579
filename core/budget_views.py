"""The form on the settings page that sets the campaign's caps."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from core.admin_views import settings_context
from core.budget_form import BudgetForm, budget_panel
from core.budgets import budget_set
from core.campaign_forms import MemberForm
from core.selectors import campaign_open

CAPS_SET = "The caps are set. A job that paused at one goes on when you resume it."


@require_POST
def budget_save(request: HttpRequest, slug: str) -> HttpResponse:
    """Other caps for the campaign from now on."""
    user = cast(User, request.user)
    campaign, rights = campaign_open(user, slug, "admin")
    form = BudgetForm(request.POST)
    if form.is_valid():
        budget_set(actor=user, campaign=campaign, scope="", values=form.values)
        messages.success(request, CAPS_SET)
        return redirect("campaign-settings", slug)
    context = settings_context(user, campaign, rights, MemberForm()) | {
        "budget": budget_panel(user, campaign, form=form)
    }
    return render(request, "core/campaign_settings.html", context, status=400)
