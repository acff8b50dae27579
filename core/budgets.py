"""Setting caps. What was spent stays as it is; jobs that paused at a cap are told, and can be resumed."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from core.access import audit, require
from core.budget_caps import CapValues, cap_values
from core.models import Budget, Campaign, Job, JobEvent
from core.reservations import budgets_lock

BUDGET_SPENT = "budget_spent"  # the code of a job that paused at a cap


def right_of(scope: str) -> str:
    """Who may set caps: admins the campaign's, and those of a part of it whoever may approve it."""
    return "approve" if scope else "admin"


def budget_set(*, actor: User, campaign: Campaign, scope: str, values: CapValues) -> Budget:
    """These caps from now on, also for jobs that run; a cap below what is spent lets no more calls go."""
    require(actor, right_of(scope), campaign)
    with transaction.atomic():
        budget = budgets_lock(campaign.pk, {scope})[scope]
        changes = caps_changed(cap_values(budget.caps), values)
        if changes:
            caps = {f"cap_{kind}": cap for kind, cap in vars(values.caps).items()}
            Budget.objects.filter(pk=budget.pk).update(**caps)
            audit(actor, "budget.set", budget, campaign=campaign, scope=scope, changes=changes)
            jobs_tell(actor, campaign, changes)
    budget.refresh_from_db()
    return budget


def caps_changed(old: CapValues, new: CapValues) -> dict[str, list[Any]]:
    """Every cap that differs, as [before, after]; None is no cap."""
    before, after = old.model_dump(), new.model_dump()
    return {name: [before[name], after[name]] for name in after if before[name] != after[name]}


def jobs_tell(actor: User, campaign: Campaign, changes: dict[str, list[Any]]) -> None:
    """A line in the history of every job that is paused at a cap."""
    said = ", ".join(f"{name} {cap_text(old)} to {cap_text(new)}" for name, (old, new) in changes.items())
    for job in jobs_short(campaign):
        message = f"by {actor.get_username()}: {said}"
        JobEvent.objects.create(job=job, attempt=job.attempt, name="cap set", message=message)


def cap_text(value: float | None) -> str:
    """A cap as a person wrote it."""
    return "no cap" if value is None else f"{value:,}"


def jobs_short(campaign: Campaign) -> list[Job]:
    """The campaign's jobs that are paused because a cap was reached, oldest first."""
    return list(Job.objects.filter(campaign=campaign, status="paused", error_code=BUDGET_SPENT).order_by("id"))
