"""What the stages of a round made, as its page and the API show it."""

from dataclasses import dataclass, field
from typing import Any

from datagen.models import Mixture
from datagen.selectors import sample_counts
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
    """What the approver signs: exactly these rows, by their hash. ``notes`` are to be read first."""

    id: int
    policy: str
    status: str
    total: int
    manifest_hash: str
    notes: tuple[str, ...]
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
    """How far the slots are filled, and what became of the samples; ``rejected`` counts by reason."""

    slots: int = 0
    filled: int = 0
    open: int = 0
    given_up: int = 0
    accepted: int = 0
    held: int = 0
    under_way: int = 0
    rejected: dict[str, int] = field(default_factory=dict)


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
        MixtureRowView(row.skill, row.purpose, row.weight, row.quota, row.why) for row in mixture.rows.order_by("id")
    )
    return MixtureView(
        id=mixture.pk,
        policy=mixture.policy,
        status=mixture.status,
        total=mixture.total,
        manifest_hash=mixture.manifest_hash,
        notes=tuple(mixture.notes),
        rows=rows,
    )


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


def samples_view(mixture_id: int | None) -> SamplesView:
    """Slots and samples counted; two queries, none and all zero without a mixture."""
    return SamplesView(**sample_counts(Mixture(pk=mixture_id))) if mixture_id else SamplesView()


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
