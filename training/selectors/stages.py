"""The stages of a round as people read them: how each one stands, and what it waits for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from core.models import Job
from training.models import RoundStage

# What a stage without a job waits for, by the right that ends it.
PEOPLE = {
    "approve": "waits for approval by someone with the right to approve",
    "decide": "waits for a decision by someone with the right to approve",
}
STUCK = ("failed", "errored", "cancelled")


@dataclass(frozen=True)
class StageView:
    """One take of a stage. ``status`` is waiting, running, paused, failed, errored, cancelled, done or stale.

    ``seconds`` is wall clock from its opening to its end, or to now; the seconds of a round's takes add up to
    the round's own.
    """

    stage: str
    take: int
    status: str
    waiting_for: str
    job: int | None
    done: int
    total: int
    unit: str
    error_code: str
    error_message: str
    opened_at: datetime
    ended_at: datetime | None
    seconds: float

    @property
    def percent(self) -> int:
        """How far it is, 0 to 100; 0 while the total is unknown."""
        return min(100, 100 * self.done // self.total) if self.total else 0

    @property
    def is_stuck(self) -> bool:
        """Whether somebody must let its job run again."""
        return self.status in STUCK


def stage_view(stage: RoundStage, now: datetime) -> StageView:
    """The stage with its job; fetch both at once (``select_related("job")``)."""
    status, job = stage_status(stage), stage.job
    return StageView(
        stage=stage.stage,
        take=stage.take,
        status=status,
        waiting_for=waiting_for(stage, status, now),
        job=stage.job_id,
        done=job.done if job else 0,
        total=job.total if job else 0,
        unit=job.unit if job else "",
        error_code=job.error_code if job else "",
        error_message=job.error_message if job else "",
        opened_at=stage.opened_at,
        ended_at=stage.ended_at,
        seconds=((stage.ended_at or now) - stage.opened_at).total_seconds(),
    )


def stage_status(stage: RoundStage) -> str:
    """The stage's word, or its job's while it is open."""
    if stage.status != "open":
        return stage.status
    return stage.job.status if stage.job else "waiting"


def waiting_for(stage: RoundStage, status: str, now: datetime) -> str:
    """Why nothing moves, as a sentence; empty while something does."""
    if status in STUCK:
        return f"{status}; waits for someone with the right to research to retry it"
    if status == "paused":
        return "is paused; waits for someone with the right to research to resume it"
    if status != "waiting":
        return ""
    return job_waits_for(stage.job, now) if stage.job else PEOPLE[stage.stage]


def job_waits_for(job: Job, now: datetime) -> str:
    """What a waiting job waits for: its time, or a worker."""
    if job.not_before and job.not_before > now:
        return f"tries again at {job.not_before:%H:%M:%S} UTC, after an error that may pass"
    return f"waits for the {job.queue} worker"


def open_stage(stages: Iterable[StageView]) -> StageView | None:
    """The one that the round stands at; None when it has ended."""
    return next((stage for stage in stages if stage.status not in ("done", "stale")), None)
