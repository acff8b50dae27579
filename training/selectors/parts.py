"""What the stages of a round made, as its page and the API show it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from datagen.models import Mixture, MixtureRow, Sample, Slot
from diagnostics.models import SkillDiagnosis
from training.models import Evaluation, EvaluationRow


@dataclass(frozen=True)
class MixtureRowView:
    """One skill's share of the mixture, and why."""

    skill: str
    purpose: str
    weight: float
    quota: int
    why: str


@dataclass(frozen=True)
class MixtureView:
    """What the approver signs: exactly these rows, by their hash."""

    id: int
    policy: str
    status: str
    total: int
    manifest_hash: str
    rows: tuple[MixtureRowView, ...]


@dataclass(frozen=True)
class SkillView:
    """What the report says of one skill: right answers, interval, verdict."""

    skill: str
    n: int
    k: int
    accuracy: float
    low: float
    high: float
    shrunken: float
    verdict: str
    num_more: int | None


@dataclass(frozen=True)
class ReportView:
    """The diagnosis of the parent."""

    id: int
    skills: tuple[SkillView, ...]


@dataclass(frozen=True)
class SamplesView:
    """How far the slots are filled, and why samples were not used."""

    slots: int
    filled: int
    open: int
    given_up: int
    accepted: int
    held: int
    rejected: dict[str, int]


@dataclass(frozen=True)
class SuiteView:
    """One suite of the evaluation; accuracies and differences are shares of 1."""

    suite: str
    role: str
    items: int
    before: float
    after: float
    diff: float
    lower: float
    ci: tuple[float, float]
    fixed: int
    broken: int
    ok: bool


@dataclass(frozen=True)
class EvaluationView:
    """Parent and child compared, and the gate's word; ``verdict`` is empty until the gate spoke."""

    id: int
    verdict: str
    reasons: tuple[str, ...]
    margin: float
    margin_signed_by: str
    summary: dict[str, Any]
    rows: tuple[SuiteView, ...]


def mixture_view(pk: int | None) -> MixtureView | None:
    """The mixture with its rows; two queries."""
    mixture = Mixture.objects.filter(pk=pk).first() if pk else None
    if mixture is None:
        return None
    rows = tuple(
        MixtureRowView(row.skill, row.purpose, row.weight, row.quota, row.why)
        for row in MixtureRow.objects.filter(mixture=mixture).order_by("-quota", "skill")
    )
    return MixtureView(mixture.pk, mixture.policy, mixture.status, mixture.total, mixture.manifest_hash, rows)


def report_view(pk: int | None) -> ReportView | None:
    """The report's verdicts by skill; one query."""
    if not pk:
        return None
    rows = SkillDiagnosis.objects.filter(report_id=pk).order_by("skill")
    return ReportView(pk, tuple(skill_view(row) for row in rows))


def skill_view(row: SkillDiagnosis) -> SkillView:
    """One skill's verdict."""
    return SkillView(
        skill=row.skill,
        n=row.n,
        k=row.k,
        accuracy=row.accuracy,
        low=row.low,
        high=row.high,
        shrunken=row.shrunken,
        verdict=row.verdict,
        num_more=row.num_more,
    )


def samples_view(mixture: int | None) -> SamplesView:
    """Slots and samples counted; two queries, all zero without a mixture."""
    mixture_id = mixture or 0
    slots = Slot.objects.filter(mixture_id=mixture_id).values("status").annotate(n=Count("id"))
    by_status: dict[str, int] = {row["status"]: row["n"] for row in slots}
    samples = Sample.objects.filter(slot__mixture_id=mixture_id).values("status", "reason").annotate(n=Count("id"))
    counted = list(samples)

    def total(status: str) -> int:
        return sum(row["n"] for row in counted if row["status"] == status)

    return SamplesView(
        slots=sum(by_status.values()),
        filled=by_status.get("filled", 0),
        open=by_status.get("open", 0),
        given_up=by_status.get("given_up", 0),
        accepted=total("accepted"),
        held=total("held"),
        rejected={row["reason"]: row["n"] for row in counted if row["status"] == "rejected"},
    )


def evaluation_view(pk: int | None) -> EvaluationView | None:
    """The evaluation with its suites, targets first; two queries."""
    evaluation = Evaluation.objects.filter(pk=pk).first() if pk else None
    if evaluation is None:
        return None
    rows = EvaluationRow.objects.filter(evaluation=evaluation).order_by("-role", "suite")
    return EvaluationView(
        id=evaluation.pk,
        verdict=evaluation.verdict,
        reasons=tuple(evaluation.reasons),
        margin=evaluation.margin,
        margin_signed_by=evaluation.margin_signed_by,
        summary=evaluation.result,
        rows=tuple(suite_view(row) for row in rows),
    )


def suite_view(row: EvaluationRow) -> SuiteView:
    """One suite's change."""
    return SuiteView(
        suite=row.suite,
        role=row.role,
        items=row.n,
        before=row.before,
        after=row.after,
        diff=row.diff,
        lower=row.lower,
        ci=(row.ci_low, row.ci_high),
        fixed=row.num_fixed,
        broken=row.num_broken,
        ok=row.is_ok,
    )
