"""The form of caps, and what a page shows around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import User

from core.budget_caps import CapValues, cap_values
from core.budget_page import Burn, budget_counted, burns_of
from core.budgets import jobs_short, right_of
from core.campaign_forms import plain_inputs
from core.models import Budget, Campaign
from core.selectors import JobRow, job_rows, rights_of

FIELDS = {"money": "money", "tokens": "tokens", "calls": "calls", "seconds": "hours"}


class BudgetForm(forms.Form):
    """Four caps; an empty field is no cap."""

    money = forms.FloatField(min_value=0, max_value=99_999_999, required=False, label="Cap on money")
    tokens = forms.IntegerField(min_value=0, max_value=1 << 61, required=False, label="Cap on tokens")
    calls = forms.IntegerField(min_value=0, max_value=1 << 61, required=False, label="Cap on calls")
    hours = forms.FloatField(min_value=0, max_value=999_999, required=False, label="Cap on hours")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plain_inputs(self)

    @property
    def values(self) -> CapValues:
        """The caps that a valid form says."""
        return CapValues.model_validate(self.cleaned_data)


@dataclass(frozen=True)
class BudgetPanel:
    """One scope's budget on a page: each kind with its field, and the jobs that paused at a cap."""

    scope: str
    lines: Sequence[tuple[Burn, forms.BoundField]]
    form: BudgetForm
    may_set: bool
    paused: Sequence[JobRow]

    @property
    def form_id(self) -> str:
        """What the fields, which stand in the table, name as their form."""
        return f"caps-{self.scope.replace(':', '-') or 'campaign'}"

    @property
    def lost(self) -> str:
        """How much of what is spent is for calls that got no answer; empty when nothing."""
        return ", ".join(burn.lost_text for burn, _ in self.lines if burn.lost)


def budget_panel(user: User, campaign: Campaign, scope: str = "", form: BudgetForm | None = None) -> BudgetPanel:
    """The panel of one scope, with ``form`` where one was sent."""
    row = Budget.objects.filter(campaign=campaign, scope=scope).first()
    form = form or BudgetForm(initial=caps_initial(row))
    burns = burns_of(row or budget_counted(campaign, scope))
    lines = [(burn, form[FIELDS[burn.kind]]) for burn in burns]
    short = jobs_short(campaign)
    paused = job_rows(user, short, why={job.pk: job.error_message for job in short}) if short else []
    return BudgetPanel(scope, lines, form, right_of(scope) in rights_of(user, campaign), paused)


def caps_initial(row: Budget | None) -> dict[str, Any]:
    """What the form starts with: numbers without the zeros of their columns."""
    values = cap_values(row.caps).model_dump() if row else {}
    return {name: f"{value:.15g}" if isinstance(value, float) else value for name, value in values.items()}
