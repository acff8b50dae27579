"""How a mixture's samples come about while they are made: slots, tries, calls. A fixed number of queries."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import BooleanField, Count, ExpressionWrapper, Max, Q
from django.db.models.functions import TruncSecond

from core.models import Endpoint, Job, ModelCall
from core.models.jobs import LIVE
from datagen.domain.pulse import (
    WINDOW,
    Bucket,
    Latency,
    Second,
    bucket_start,
    buckets_of,
    latency_of,
    rate_of,
)
from datagen.models import Dataset, Mixture, Sample
from datagen.services.datasets import shortfall
from datagen.tries import PRESENT, scope_of

KINDS = ("generate", "quality", "difficulty")
NEWEST = 2000
GRADED = ExpressionWrapper(Q(num_scored__isnull=False), output_field=BooleanField())


@dataclass(frozen=True)
class SkillSlots:
    """One skill's slots: ``quota`` = ``filled`` + ``open`` + ``given_up``.

    ``under_way`` counts those of the open ones whose present try has a question that nothing spoke against so far.
    """

    skill: str
    purpose: str
    filled: int
    open: int
    given_up: int
    under_way: int

    @property
    def quota(self) -> int:
        """How many samples are wanted."""
        return self.filled + self.open + self.given_up


@dataclass(frozen=True)
class Tries:
    """What became of all tries; ``passed`` counts those that quality control let through, whatever came later."""

    statuses: Counter[str]
    rejected: Counter[str]
    held: Counter[str]
    passed: int


@dataclass(frozen=True)
class EndpointPulse:
    """One endpoint in the window; ``errors`` are calls that failed or got no answer."""

    endpoint: Endpoint
    calls: int
    errors: int
    rate: float
    in_flight: int
    latency: Latency | None


@dataclass(frozen=True)
class Pulse:
    """The calls of the window that ends ``until``."""

    until: datetime
    buckets: Sequence[Bucket]
    rate: float
    endpoints: Sequence[EndpointPulse]


@dataclass(frozen=True)
class MixtureLive:
    """The whole picture. ``job`` is the newest that worked on the mixture; ``shortfall`` is told when all has ended."""

    skills: Sequence[SkillSlots]
    tries: Tries
    job: Job | None
    is_over: bool
    pulse: Pulse
    shortfall: Sequence[dict[str, Any]] = field(default=())

    @property
    def poll_s(self) -> int:
        """How soon to look again: often while a job lives, seldom while a person must act, never when all is final."""
        return 0 if self.is_over else 2 if self.job and self.job.is_live else 15


def mixture_live(mixture: Mixture, now: datetime) -> MixtureLive:
    """How the mixture stands at ``now``."""
    skills, job = slots_by_skill(mixture), job_newest(mixture)
    is_busy = job is not None and job.is_live
    is_over = not is_busy and is_final(mixture, num_open=sum(one.open for one in skills))
    until = now if is_busy else last_call(mixture) or now
    pulse = pulse_of(mixture, job if is_busy else None, until)
    return MixtureLive(skills, tries_of(mixture), job, is_over, pulse, shortfall(mixture) if is_over else ())


def is_final(mixture: Mixture, *, num_open: int) -> bool:
    """Whether no more samples can come: none is open, a dataset is built, or nobody wants the mixture."""
    if mixture.status != "approved":
        return mixture.status == "sent_back"
    return not num_open or Dataset.objects.filter(mixture=mixture).exists()


def slots_by_skill(mixture: Mixture) -> list[SkillSlots]:
    """Every skill's slots, targets first; two queries."""
    rows = mixture.slots.order_by().values_list("skill", "purpose", "status").annotate(n=Count("pk"))
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for skill, purpose, status, number in rows:
        found[purpose, skill][status] = number
    present = Sample.objects.filter(PRESENT, slot__mixture=mixture, status__in=["written", "checked", "accepted"])
    under_way = present.order_by().values_list("slot__skill", "slot__purpose").annotate(n=Count("pk"))
    for skill, purpose, number in under_way:
        found[purpose, skill]["under_way"] = number
    names = ("filled", "open", "given_up", "under_way")
    return [
        SkillSlots(skill, purpose, *(found[purpose, skill].get(name, 0) for name in names))
        for purpose, skill in sorted(found, key=lambda key: (key[0] != "target", key[1]))
    ]


def tries_of(mixture: Mixture) -> Tries:
    """What became of the mixture's tries; one query."""
    rows = Sample.objects.filter(slot__mixture=mixture).order_by().annotate(graded=GRADED)
    statuses: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {"rejected": Counter(), "held": Counter()}
    passed = 0
    for status, reason, graded, number in rows.values_list("status", "reason", "graded").annotate(n=Count("pk")):
        statuses[status] += number
        if status in reasons:
            reasons[status][reason] += number
        passed += number if graded or status in ("checked", "accepted") else 0
    return Tries(statuses, reasons["rejected"], reasons["held"], passed)


def job_newest(mixture: Mixture) -> Job | None:
    """The job that works on the mixture, or the last one that did; one query."""
    jobs = Job.objects.filter(campaign=mixture.campaign_id, kind__in=KINDS, spec__mixture_id=mixture.pk)
    return jobs.select_related("campaign", "actor").order_by("-id").first()


def calls_of(mixture: Mixture) -> Any:
    """The calls of endpoints for the mixture; the index on (campaign, scope, answered_at) gives any stretch of time."""
    return ModelCall.objects.filter(campaign=mixture.campaign_id, scope=scope_of(mixture.pk))


def last_call(mixture: Mixture) -> datetime | None:
    """When the mixture's last call ended; one query."""
    ended: datetime | None = calls_of(mixture).aggregate(at=Max("answered_at"))["at"]
    return ended


def pulse_of(mixture: Mixture, job: Job | None, until: datetime) -> Pulse:
    """The window's calls; four queries, and one more while a job has calls in flight."""
    ended = calls_of(mixture).filter(answered_at__gt=bucket_start(until) - WINDOW, answered_at__lte=until)
    ended = ended.filter(endpoint__isnull=False)
    seconds, times, flying = seconds_of(ended), times_of(ended), flying_of(job)
    known = Endpoint.objects.filter(campaign=mixture.campaign_id).order_by("role")
    seen = {one.endpoint for one in seconds} | set(flying)
    endpoints = [
        endpoint_pulse(one, [second for second in seconds if second.endpoint == one.pk], until, flying, times)
        for one in known
        if one.pk in seen
    ]
    return Pulse(until, buckets_of(seconds, until), rate_of(seconds, until), endpoints)


def endpoint_pulse(
    endpoint: Endpoint,
    seconds: Sequence[Second],
    until: datetime,
    flying: Counter[int],
    times: dict[int, list[int]],
) -> EndpointPulse:
    """One endpoint's part of the window."""
    return EndpointPulse(
        endpoint,
        calls=sum(one.calls for one in seconds),
        errors=sum(one.calls for one in seconds if not one.is_ok),
        rate=rate_of(seconds, until),
        in_flight=flying[endpoint.pk],
        latency=latency_of(times.get(endpoint.pk, [])),
    )


def seconds_of(ended: Any) -> list[Second]:
    """Calls by the second in which they ended; one query, at most a row a second, endpoint and outcome."""
    ok = ExpressionWrapper(Q(status="answered"), output_field=BooleanField())
    rows = ended.order_by().annotate(second=TruncSecond("answered_at", tzinfo=UTC), ok=ok)
    groups = rows.values_list("second", "endpoint_id", "ok").annotate(n=Count("pk"))
    return [Second(at, endpoint, bool(is_ok), number) for at, endpoint, is_ok, number in groups]


def times_of(ended: Any) -> dict[int, list[int]]:
    """By endpoint, how long the window's newest answered calls took; one query."""
    newest = ended.filter(status="answered").order_by("-answered_at")
    times: dict[int, list[int]] = defaultdict(list)
    for endpoint, ms in newest.values_list("endpoint_id", "latency_ms")[:NEWEST]:
        times[endpoint].append(ms)
    return times


def flying_of(job: Job | None) -> Counter[int]:
    """By endpoint, the calls that are sent and not answered; one query, none without a live job."""
    if job is None or job.status not in LIVE:
        return Counter()
    rows = ModelCall.objects.filter(job=job, status="sent", endpoint__isnull=False).order_by()
    return Counter(dict(rows.values_list("endpoint_id").annotate(n=Count("pk"))))
