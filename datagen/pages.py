"""What the samples page reads: a mixture's tries, filtered, page by page, and how many there are of each kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from datagen.domain.quality import HELD_REASONS, REJECT_REASONS
from datagen.models import Mixture, Sample, Slot

PAGE = 24
KEPT_HARD = "harder than the band, but its answer is confirmed"
STATUSES = ("accepted", "held", "rejected", "checked", "written")
REASONS: dict[str, str] = {str(name): text for name, text in (*REJECT_REASONS.items(), *HELD_REASONS.items())}


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


@dataclass(frozen=True)
class SampleView:
    """One try, its reason as a sentence, and its evidence as lines of (label, text); ``query`` is for its own page."""

    sample: Sample
    sentence: str
    lines: list[tuple[str, str]]
    query: str = ""


def samples_filtered(mixture: Mixture, wanted: SampleFilter, after: int | None) -> list[SampleView]:
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
    return [SampleView(row, REASONS.get(row.reason, ""), evidence_lines(row.evidence)) for row in rows[: PAGE + 1]]


def evidence_lines(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What speaks for or against a try; a model's answers come with how often it gave each."""
    answers = sorted(evidence.get("model_answers", {}).items(), key=lambda pair: (-pair[1], pair[0]))
    lines = [
        ("Detail", str(evidence.get("detail", ""))),
        ("Blind solves", ", ".join(str(one) for one in evidence.get("blind_solves", []))),
        (
            "Model says",
            ", ".join(f"{answer or '(nothing)'} \N{MULTIPLICATION SIGN}{number}" for answer, number in answers),
        ),
        ("Kept", KEPT_HARD if evidence.get("is_kept_hard") else ""),
        ("Plan", str(evidence.get("plan", ""))),
    ]
    return [(label, text) for label, text in lines if text]


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


def tries_by_status(mixture_id: int | None) -> dict[str, int]:
    """How many tries of a mixture stand where, every status named; one query, none without a mixture."""
    counts = dict.fromkeys(STATUSES, 0)
    if mixture_id is None:
        return counts
    rows = Sample.objects.filter(slot__mixture_id=mixture_id).values_list("status").annotate(n=Count("pk"))
    return {**counts, **dict(rows.order_by())}
