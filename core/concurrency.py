"""How much goes on at once: slots that agents work on, and calls to each endpoint. It may change while jobs run.

A running job takes a change up at its next heartbeats; no result depends on it, and nothing that is frozen holds it.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from core.access import audit, require
from core.campaign_settings import parse_settings
from core.errors import InvalidInput
from core.models import Campaign, Endpoint, Job, JobEvent
from core.models.jobs import ASKING_QUEUE

MOST = 1024


def slots_at_once(campaign_id: int) -> int:
    """How many slots agents work on at once in this campaign, as it stands now."""
    return Campaign.objects.only("settings").get(pk=campaign_id).config.generation.concurrency


def concurrency_set(*, actor: User, campaign: Campaign, slots: int | None, calls: Mapping[str, int]) -> dict[str, Any]:
    """Work on so many slots at once, and make so many calls at once for each of these roles; what changed.

    Jobs that run take it up within two seconds: more start at once, or those that are too many run to their end.
    """
    require(actor, "research", campaign)
    with transaction.atomic():
        row = Campaign.objects.select_for_update().get(pk=campaign.pk)
        changes = slots_change(row, slots) | calls_change(row, calls)
        if changes:
            audit(actor, "concurrency.set", row, campaign=row, changes=changes)
            events_note(row, actor, changes)
    campaign.refresh_from_db()
    return changes


def slots_change(row: Campaign, slots: int | None) -> dict[str, list[int]]:
    """Write the number of slots into the settings; [before, after] when it is another one."""
    settings = row.config.model_dump(mode="json")
    before = settings["generation"]["concurrency"]
    if slots is None or slots == before:
        return {}
    settings["generation"]["concurrency"] = slots
    checked = parse_settings(settings).model_dump(mode="json")
    Campaign.objects.filter(pk=row.pk).update(settings=checked)
    return {"slots": [before, slots]}


def calls_change(row: Campaign, calls: Mapping[str, int]) -> dict[str, list[int]]:
    """Write the numbers of calls into the endpoints; [before, after] by role where it is another one."""
    known = dict(row.endpoints.values_list("role", "concurrency"))
    for role, number in calls.items():
        if role not in known:
            raise InvalidInput(f"calls.{role}: no endpoint plays this role here.", field=f"calls.{role}")
        if not 1 <= number <= MOST:
            raise InvalidInput(f"calls.{role}: a number from 1 to {MOST}.", field=f"calls.{role}")
    changes = {role: [known[role], number] for role, number in calls.items() if known[role] != number}
    for role, (_, number) in changes.items():
        Endpoint.objects.filter(campaign=row, role=role).update(concurrency=number)
    return changes


def events_note(row: Campaign, actor: User, changes: Mapping[str, list[int]]) -> None:
    """Tell it in the history of every job that feels it now."""
    told = ", ".join(f"{name} {before} to {after}" for name, (before, after) in changes.items())
    jobs = Job.objects.filter(campaign=row, queue=ASKING_QUEUE, status="running")
    message = f"{told}, by {actor.get_username()}"
    JobEvent.objects.bulk_create(
        JobEvent(job=job, attempt=job.attempt, name="concurrency set", message=message) for job in jobs
    )
