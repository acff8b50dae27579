"""Rows for tests: each maker takes what matters to the test and fills in the rest."""

from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from core.campaign_settings import parse_settings
from core.jobs.context import JobContext
from core.jobs.engine import take
from core.jobs.lease import own_lease
from core.models import Campaign, Job, Membership

NUMBERS = count(1)


def make_user(name: str = "", **fields: Any) -> User:
    return User.objects.create_user(username=name or f"person{next(NUMBERS)}", password=None, **fields)


def make_campaign(*, actor: User | None = None, seed: int = 7, **settings: Any) -> Campaign:
    """A campaign whose maker is its admin; ``settings`` are groups of CampaignSettings."""
    actor = actor or make_user()
    checked = parse_settings(settings).model_dump(mode="json")
    slug = f"campaign-{next(NUMBERS)}"
    campaign = Campaign.objects.create(slug=slug, name=slug, seed=seed, settings=checked, created_by=actor)
    make_member(campaign, "admin", actor)
    return campaign


def make_member(campaign: Campaign, role: str, user: User | None = None) -> User:
    user = user or make_user(f"{role}{next(NUMBERS)}")
    Membership.objects.create(campaign=campaign, user=user, role=role)
    return user


def make_job(*, campaign: Campaign | None = None, kind: str = "test", **fields: Any) -> Job:
    campaign = campaign or make_campaign()
    return Job.objects.create(campaign=campaign, actor=campaign.created_by, kind=kind, **fields)


def make_context(job: Job) -> JobContext:
    """The job as its handler sees it, claimed by this process."""
    assert take(job, own_lease(), timezone.now())
    return JobContext(Job.objects.select_related("campaign", "actor").get(pk=job.pk))
