"""A report as the API and the pages show it: frozen numbers, weak skills first."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core.errors import NotFound
from core.models import Campaign
from diagnostics.models import Report, SkillDiagnosis


@dataclass(frozen=True)
class SkillView:
    """One skill. ``accuracy`` is as counted, ``shrunken`` is for display and mixtures; both strict."""

    skill: str
    image_type: str
    answer_type: str
    n: int
    k: int
    k_lenient: int
    accuracy: float
    accuracy_lenient: float
    low: float
    high: float
    shrunken: float
    verdict: str
    num_more: int | None
    is_decidable: bool
    has_too_few_images: bool


@dataclass(frozen=True)
class ReportView:
    """A report with its skills, weak ones first, then from low to high. ``coverage`` is scored over all answers."""

    id: int
    run: int
    label: str
    checkpoint: int
    checkpoint_name: str
    tau: float
    alpha: float
    num_scored: int
    num_unscored: int
    coverage: float
    reused_items: int
    created_at: datetime
    skills: tuple[SkillView, ...]


def report_of(campaign: Campaign, pk: int) -> Report:
    """A report of this campaign, with its run and checkpoint; NotFound for another campaign's."""
    report = Report.objects.filter(campaign=campaign, pk=pk).select_related("run__checkpoint").first()
    if report is None:
        raise NotFound(f"There is no report {pk} in {campaign.name}.")
    return report


def report_read(report: Report) -> ReportView:
    """The report as people read it."""
    run, answers = report.run, report.num_scored + report.num_unscored
    return ReportView(
        id=report.pk,
        run=run.pk,
        label=run.label,
        checkpoint=run.checkpoint_id,
        checkpoint_name=run.checkpoint.name,
        tau=report.tau,
        alpha=report.alpha,
        num_scored=report.num_scored,
        num_unscored=report.num_unscored,
        coverage=report.num_scored / answers if answers else 0.0,
        reused_items=run.result.get("reused_items", 0),
        created_at=report.created_at,
        skills=tuple(skill_view(row) for row in weak_first(report.skills.all())),
    )


def report_json(report: Report) -> dict[str, Any]:
    """The report as JSON shows it."""
    return asdict(report_read(report))


def weak_first(skills: Iterable[SkillDiagnosis]) -> list[SkillDiagnosis]:
    """Weak skills, then all others, each from the lowest shrunken accuracy up."""
    return sorted(skills, key=lambda row: (row.verdict != "weak", row.shrunken, row.skill))


def skill_view(row: SkillDiagnosis) -> SkillView:
    """One skill's row with what follows from it."""
    return SkillView(
        skill=row.skill,
        image_type=row.image_type,
        answer_type=row.answer_type,
        n=row.n,
        k=row.k,
        k_lenient=row.k_lenient,
        accuracy=row.accuracy,
        accuracy_lenient=row.k_lenient / row.n if row.n else 0.0,
        low=row.low,
        high=row.high,
        shrunken=row.shrunken,
        verdict=row.verdict,
        num_more=row.num_more,
        is_decidable=row.is_decidable,
        has_too_few_images=row.has_too_few_images,
    )
