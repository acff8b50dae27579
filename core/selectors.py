"""What pages read: campaigns and rights of a person, jobs and why one waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from core.access import GRANTS
from core.errors import NotAllowed, NotFound
from core.jobs.hints import LOOK_PERIOD_S
from core.models import Campaign, CampaignMedia, Job, Media, Membership
from core.models.jobs import LIVE

ENDED_BADLY = ("failed", "errored", "cancelled")
PAGE = 25
PATIENCE = timedelta(seconds=3 * LOOK_PERIOD_S)


def campaigns_visible(user: User) -> QuerySet[Campaign]:
    """The campaigns that this person may view, newest first."""
    rows = Campaign.objects.order_by("-id")
    return rows if user.is_superuser else rows.filter(memberships__user=user)


def rights_of(user: User, campaign: Campaign) -> frozenset[str]:
    """All that this person may do in the campaign; empty for a stranger."""
    if user.is_superuser:
        return GRANTS["admin"]
    role = Membership.objects.filter(campaign=campaign, user=user).values_list("role", flat=True).first()
    return GRANTS.get(role or "", frozenset())


def campaign_open(user: User, slug: str, action: str = "view") -> tuple[Campaign, frozenset[str]]:
    """The campaign and this person's rights in it; NotFound, or NotAllowed for who may not do ``action`` there."""
    campaign = Campaign.objects.filter(slug=slug).first()
    if campaign is None:
        raise NotFound(f"There is no campaign {slug!r}.")
    rights = rights_of(user, campaign)
    if "view" not in rights:
        raise NotAllowed("You are not a member of this campaign.")
    if action not in rights:
        raise NotAllowed(f"You lack the right to {action} in {campaign.name}.")
    return campaign, rights


def media_open(user: User, sha256: str) -> Media:
    """A picture of a campaign that this person may view; anybody else learns nothing of it."""
    uses = CampaignMedia.objects.filter(media_id=sha256).select_related("media")
    mine = uses if user.is_superuser else uses.filter(campaign__memberships__user=user)
    found = mine.first()
    if found is None:
        raise NotFound("There is no such picture.")
    return found.media


def job_open(user: User, pk: int) -> Job:
    """A job that this person may know of; NotFound else."""
    job = jobs_visible(user).filter(pk=pk).first()
    if job is None:
        raise NotFound(f"There is no job #{pk}.")
    return job


@dataclass(frozen=True)
class JobRow:
    """A job as a list shows it: why it stands where it stands, and what this person may do about it."""

    job: Job
    why: str
    may_stop: bool
    may_retry: bool
    may_pause: bool
    may_resume: bool


def jobs_visible(user: User) -> QuerySet[Job]:
    """Jobs of this person's campaigns; staff also see jobs that belong to none."""
    rows = Job.objects.select_related("campaign", "actor")
    if user.is_superuser:
        return rows
    mine = Q(campaign__in=Campaign.objects.filter(memberships__user=user))
    return rows.filter(mine | Q(campaign__isnull=True) if user.is_staff else mine)


def jobs_live(user: User, now: datetime) -> list[JobRow]:
    """Running jobs, waiting ones in the order in which they will be taken, and paused ones."""
    everything = list(Job.objects.filter(status__in=LIVE).only("id", "kind", "queue", "status", "priority"))
    seen = jobs_visible(user).filter(status__in=LIVE).order_by("queue", "-priority", "id")
    jobs = sorted(seen, key=lambda job: LIVE.index(job.status))
    return job_rows(user, jobs, why={job.pk: why_waiting(job, everything, now) for job in jobs})


def jobs_ended(user: User, *, only_bad: bool, before: int | None) -> list[JobRow]:
    """Up to PAGE + 1 ended jobs, newest first, with smaller ids than ``before``."""
    rows = (
        jobs_visible(user).filter(status__in=ENDED_BADLY) if only_bad else jobs_visible(user).exclude(status__in=LIVE)
    )
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-id")[: PAGE + 1])
    return job_rows(user, found, why={job.pk: why_ended(job) for job in found})


def job_rows(user: User, jobs: list[Job], *, why: dict[int, str]) -> list[JobRow]:
    """Jobs with this person's rights, from one query for all of them."""
    roles = dict(Membership.objects.filter(user=user).values_list("campaign_id", "role"))
    rows = []
    for job in jobs:
        grants = GRANTS.get(roles.get(job.campaign_id or 0, ""), frozenset())
        may = user.is_superuser or (user.is_staff and job.campaign_id is None) or "research" in grants
        rows.append(job_row(job, why[job.pk], may_research=may))
    return rows


def job_row(job: Job, why: str, *, may_research: bool) -> JobRow:
    """A job with what may be done about it now."""
    free = may_research and job.cancel_requested_at is None
    return JobRow(
        job,
        why,
        may_stop=free and job.is_live,
        may_retry=may_research and job.status in ENDED_BADLY,
        may_pause=free and job.can_pause and job.status in ("waiting", "running") and job.pause_requested_at is None,
        may_resume=free and job.status == "paused",
    )


def why_waiting(job: Job, live: list[Job], now: datetime) -> str:
    """One sentence: what this live job does or waits for."""
    if job.cancel_requested_at is not None:
        return "Stops at its next heartbeat."
    if job.status == "paused":
        return job.error_message
    if job.status == "running":
        return why_running(job, now)
    if job.not_before is not None and job.not_before > now:
        wait = round((job.not_before - now).total_seconds())
        return f"Tries again in {wait} s, after failure {job.num_failures} of {job.max_attempts}."
    ahead = [other for other in live if other.queue == job.queue and other.pk != job.pk]
    running = [other for other in ahead if other.status == "running"]
    if running:
        return f"The {job.queue} queue works on {running[0]}{turns_before(job, ahead)}."
    if now - job.created_at > PATIENCE and now - (job.not_before or job.created_at) > PATIENCE:
        return f"No worker takes it: is a worker for the {job.queue} queue running?"
    return "A worker takes it in a moment."


def turns_before(job: Job, others: list[Job]) -> str:
    """How many waiting jobs are taken before this one, as the end of a sentence."""
    first = [one for one in others if one.status == "waiting" and (-one.priority, one.pk) < (-job.priority, job.pk)]
    return f"; {len(first)} waiting job{'s' if len(first) > 1 else ''} before it" if first else ""


def why_running(job: Job, now: datetime) -> str:
    """What a running job says of itself, or that it fell silent."""
    if job.lease_until is not None and job.lease_until < now:
        return "Its worker fell silent; the job is freed at the next look and goes on elsewhere."
    if job.pause_requested_at is not None:
        return "Pauses once the calls in flight are answered and stored."
    if job.num_lost:
        return f"Goes on after {job.num_lost} lost worker{'s' if job.num_lost > 1 else ''}."
    return ""


def why_ended(job: Job) -> str:
    """The first line of what went wrong; a bug's traceback by its last line."""
    lines = job.error_message.strip().splitlines()
    if not lines:
        return ""
    return lines[-1] if job.status == "errored" else lines[0]
