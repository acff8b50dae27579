"""A round with everything its page shows, in a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from core.models import Campaign
from diagnostics.models import Checkpoint
from training.domain.stages import Stage
from training.models import Round, RoundStage
from training.selectors.parts import (
    EvaluationView,
    MixtureView,
    ReportView,
    SamplesView,
    evaluation_view,
    mixture_view,
    report_view,
    samples_view,
)
from training.selectors.stages import PEOPLE, StageView, open_stage, stage_view


@dataclass(frozen=True)
class CheckpointView:
    """A checkpoint by name and content."""

    id: int
    name: str
    content_hash: str


@dataclass(frozen=True)
class RoundOverview:
    """A round as it stands. ``status`` is the open stage's, or the decision when the round has ended.

    ``waits_for`` is ``approve`` or ``decide`` while a person must act. ``decided_by`` is empty when the gate decided.
    ``training_run`` is the newest run's id.
    """

    id: int
    number: int
    status: str
    parent: CheckpointView
    child: CheckpointView | None
    started_by: str
    decision: str
    decided_by: str
    comment: str
    created_at: datetime
    ended_at: datetime | None
    seconds: float
    waits_for: str | None
    stages: tuple[StageView, ...]
    mixture: MixtureView | None
    report: ReportView | None
    samples: SamplesView
    training_run: int | None
    evaluation: EvaluationView | None


@dataclass(frozen=True)
class RoundLine:
    """A round in the list of a campaign's rounds."""

    number: int
    status: str
    stage: str
    waits_for: str | None
    parent: CheckpointView
    child: CheckpointView | None
    decision: str
    created_at: datetime
    ended_at: datetime | None


def round_overview(round: Round, *, now: datetime | None = None) -> RoundOverview:
    """Everything about one round; eleven queries at most, whatever its length."""
    now = now or timezone.now()
    row = Round.objects.select_related("parent", "child", "started_by", "decided_by").get(pk=round.pk)
    rows = list(RoundStage.objects.filter(round=row).select_related("job").order_by("opened_at", "id"))
    stages = tuple(stage_view(stage, now) for stage in rows)
    current = open_stage(stages)
    mixture_id = made(rows, Stage.MIXTURE, "mixture_id")
    return RoundOverview(
        id=row.pk,
        number=row.number,
        status=current.status if current else row.decision,
        parent=checkpoint_view(row.parent),
        child=checkpoint_view(row.child) if row.child else None,
        started_by=row.started_by.get_username(),
        decision=row.decision,
        decided_by=row.decided_by.get_username() if row.decided_by else "",
        comment=row.comment,
        created_at=row.created_at,
        ended_at=row.ended_at,
        seconds=((row.ended_at or now) - row.created_at).total_seconds(),
        waits_for=waits_for(current),
        stages=stages,
        mixture=mixture_view(mixture_id),
        report=report_view(made(rows, Stage.REPORT, "report_id")),
        samples=samples_view(mixture_id),
        training_run=made(rows, Stage.TRAIN, "training_run_id"),
        evaluation=evaluation_view(made(rows, Stage.EVALUATE, "evaluation_id")),
    )


def campaign_rounds(campaign: Campaign) -> list[RoundLine]:
    """The campaign's rounds, newest first; two queries."""
    now = timezone.now()
    rounds = Round.objects.filter(campaign=campaign).select_related("parent", "child").order_by("-number")
    stages: QuerySet[RoundStage] = RoundStage.objects.filter(round__campaign=campaign, status="open")
    current = {stage.round_id: stage_view(stage, now) for stage in stages.select_related("job")}
    return [round_line(row, current.get(row.pk)) for row in rounds]


def round_line(row: Round, current: StageView | None) -> RoundLine:
    """One line of the list."""
    return RoundLine(
        number=row.number,
        status=current.status if current else row.decision,
        stage=current.stage if current else "",
        waits_for=waits_for(current),
        parent=checkpoint_view(row.parent),
        child=checkpoint_view(row.child) if row.child else None,
        decision=row.decision,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def made(stages: list[RoundStage], stage: Stage, key: str) -> int | None:
    """An id that the newest take of ``stage`` works on or made; stale takes do not count."""
    takes = [one for one in stages if one.stage == stage and one.status != "stale"]
    facts = [{**(one.job.spec if one.job else {}), **one.result} for one in takes]
    return next((fact[key] for fact in reversed(facts) if key in fact), None)


def waits_for(current: StageView | None) -> str | None:
    """The stage that a person must end, if the round stands at one."""
    return current.stage if current and current.stage in PEOPLE else None


def checkpoint_view(row: Checkpoint) -> CheckpointView:
    """A checkpoint as lists show it."""
    return CheckpointView(row.pk, row.name, row.content_hash)
