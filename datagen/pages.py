"""What the samples page reads: a mixture's tries, filtered, page by page, and how many there are of each kind."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from core.errors import NotFound
from core.models import Campaign
from datagen.models import Mixture, Sample, Slot

PAGE = 24
STATUSES = ("accepted", "held", "rejected", "checked", "written")


@dataclass(frozen=True)
class SampleFilter:
    """What to show; empty means all."""

    status: str = ""
    reason: str = ""
    skill: str = ""


@dataclass(frozen=True)
class Facets:
    """What the filters offer, each with its number."""

    statuses: Sequence[tuple[str, int]]
    reasons: Sequence[tuple[str, int]]
    skills: Sequence[str]


def mixture_open(campaign: Campaign, pk: int) -> Mixture:
    """A mixture of this campaign."""
    mixture = Mixture.objects.filter(campaign=campaign, pk=pk).select_related("report", "approved_by").first()
    if mixture is None:
        raise NotFound(f"There is no mixture #{pk} in {campaign.name}.")
    return mixture


def samples_filtered(mixture: Mixture, wanted: SampleFilter, after: int | None) -> list[Sample]:
    """Up to PAGE + 1 samples in the order in which they were made, behind the id ``after``."""
    rows = Sample.objects.filter(slot__mixture=mixture).select_related("slot", "media").order_by("pk")
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    if wanted.reason:
        rows = rows.filter(reason=wanted.reason)
    if wanted.skill:
        rows = rows.filter(slot__skill=wanted.skill)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return list(rows[: PAGE + 1])


def sample_facets(mixture: Mixture) -> Facets:
    """Every status and reason with its number, and the skills, from two queries."""
    rows = Sample.objects.filter(slot__mixture=mixture).values_list("status", "reason").annotate(n=Count("pk"))
    statuses = dict.fromkeys(STATUSES, 0)
    reasons: dict[str, int] = {}
    for status, reason, number in rows.order_by():
        statuses[status] += number
        if reason and status != "accepted":
            reasons[reason] = reasons.get(reason, 0) + number
    skills = Slot.objects.filter(mixture=mixture).order_by("skill").values_list("skill", flat=True).distinct()
    by_number = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return Facets([pair for pair in statuses.items() if pair[1]], by_number, list(skills))
