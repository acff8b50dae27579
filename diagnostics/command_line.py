"""What commands that import share: whose campaign, who acts, and a job that is carried out here and now."""

import time

from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.utils import timezone

from core.jobs.engine import Handler, execute, take
from core.jobs.lease import own_lease
from core.models import Campaign, Job

LOOK_S = 0.5


def campaign_of(slug: str) -> Campaign:
    """The campaign; CommandError when there is none."""
    campaign = Campaign.objects.filter(slug=slug).first()
    if campaign is None:
        raise CommandError(f"There is no campaign {slug!r}.")
    return campaign


def actor_of(campaign: Campaign, username: str) -> User:
    """The person of that name, the campaign's maker for an empty one; CommandError when there is none."""
    actor = User.objects.filter(username=username).first() if username else campaign.created_by
    if actor is None:
        raise CommandError("Say who imports: --actor NAME.")
    return actor


def carried_out(job: Job, handlers: dict[str, Handler]) -> Job:
    """The job when it has succeeded: done here, unless a worker was faster; CommandError when it did not."""
    if take(job, own_lease(), timezone.now()):
        execute(Job.objects.select_related("campaign", "actor").get(pk=job.pk), handlers)
    while (ended := Job.objects.get(pk=job.pk)).is_live:
        time.sleep(LOOK_S)
    if ended.status != "succeeded":
        raise CommandError(ended.error_message or ended.status)
    return ended
