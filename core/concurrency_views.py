"""The page on which people say how much goes on at once, also while jobs run."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from core.campaign_forms import plain_inputs
from core.concurrency import MOST, concurrency_set
from core.models import Campaign
from core.pages import back_of
from core.selectors import campaign_open

CALLS = "calls."


class ConcurrencyForm(forms.Form):
    """Slots at once, and a field for every role that an endpoint plays."""

    slots = forms.IntegerField(
        min_value=1,
        max_value=MOST,
        label="Slots at once",
        help_text="Generation and quality control: how many samples agents work on side by side.",
    )

    def __init__(self, campaign: Campaign, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slots"].initial = campaign.config.generation.concurrency
        for row in campaign.endpoints.order_by("role"):
            label = f"Calls at once: {row.role.replace('_', ' ')}"
            self.fields[f"{CALLS}{row.role}"] = forms.IntegerField(
                min_value=1, max_value=MOST, label=label, initial=row.concurrency, help_text=row.model
            )
        plain_inputs(self)

    @property
    def calls(self) -> dict[str, int]:
        """The numbers by role."""
        found = self.cleaned_data.items()
        return {name.removeprefix(CALLS): value for name, value in found if name.startswith(CALLS)}


def concurrency(request: HttpRequest, slug: str) -> HttpResponse:
    """What is at work at once, and a form to change it, which leads back to where it was asked for."""
    user, is_sent = cast(User, request.user), request.method == "POST"
    campaign, rights = campaign_open(user, slug, "research" if is_sent else "view")
    form = ConcurrencyForm(campaign, request.POST if is_sent else None)
    if is_sent and form.is_valid():
        slots = form.cleaned_data["slots"]
        changes = concurrency_set(actor=user, campaign=campaign, slots=slots, calls=form.calls)
        messages.success(request, "Set. Jobs that run take it up within two seconds." if changes else "As it was.")
        return redirect(back_of(request, reverse("concurrency", args=[slug])))
    context = {"section": "campaigns", "tab": "endpoints", "campaign": campaign}
    context |= {"concurrency_form": form, "may_research": "research" in rights}
    return render(request, "core/concurrency.html", context, status=400 if is_sent else 200)
