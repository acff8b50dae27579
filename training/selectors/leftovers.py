"""What training runs left on disk besides their child, and why each stays."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from core.domain.rollouts import ROLLOUTS_FOLDER
from core.models import Campaign, Job
from core.models.jobs import LIVE
from training.domain.leftovers import LeftRun, read_by, resumed_by
from training.models import RoundStage, TrainingRun
from training.selectors.runs import train_stages

RUN_JOBS = ("train", "preflight")
# What a run resumes from, a child that a kill cut short, and what an earlier removal did not get to.
STATE = ("checkpoint-*", ".final.*", ".*.gone")


@dataclass(frozen=True)
class Leftover:
    """Files of one kind in a run's folder; ``reason`` says why they stay and is empty where they may go."""

    run: TrainingRun
    kind: str
    paths: tuple[Path, ...]
    num_bytes: int
    reason: str

    @property
    def name(self) -> str:
        """What a plan is told apart by: another size makes another plan."""
        return f"{self.run.run_name} {[path.name for path in self.paths]} {self.num_bytes}"


def states_left(runs: dict[str, list[TrainingRun]], reasons: dict[str, str]) -> list[Leftover]:
    """The resumable states on disk."""
    found = (leftover(rows[0], "resumable state", STATE, reasons[name]) for name, rows in runs.items())
    return [left for left in found if left.paths]


def completions_left(runs: dict[str, list[TrainingRun]], reasons: dict[str, str], kept: set[int]) -> list[Leftover]:
    """The completions on disk; ``kept`` are the checkpoints that stay."""
    found = [
        leftover(
            rows[0],
            "completions",
            (ROLLOUTS_FOLDER,),
            read_by(reasons[name], is_child_kept=any(row.child_id in kept for row in rows)),
        )
        for name, rows in runs.items()
    ]
    return [left for left in found if left.paths]


def leftover(run: TrainingRun, kind: str, patterns: Sequence[str], reason: str) -> Leftover:
    """What of the run's folder fits the patterns, and its size."""
    folder = Path(settings.RUNS_ROOT) / run.run_name
    paths = tuple(sorted(path for pattern in patterns for path in folder.glob(pattern)))
    sizes = (file.stat().st_size for path in paths for file in path.rglob("*") if file.is_file())
    return Leftover(run, kind, paths, sum(sizes), reason)


def runs_by_name(campaign: Campaign) -> dict[str, list[TrainingRun]]:
    """The campaign's runs, newest first, by the folder that equal ones share."""
    found: dict[str, list[TrainingRun]] = defaultdict(list)
    for run in campaign.training_runs.exclude(run_name="").order_by("-id"):
        found[run.run_name].append(run)
    return dict(found)


def resume_reasons(campaign: Campaign, runs: dict[str, list[TrainingRun]], now: datetime, days: int) -> dict[str, str]:
    """Why the state of each folder stays: the first reason of any run that writes there. Three queries."""
    states = run_states(campaign, [run for rows in runs.values() for run in rows])
    return {
        name: next(filter(None, (resumed_by(states[run.pk], now, days) for run in rows)), "")
        for name, rows in runs.items()
    }


def run_states(campaign: Campaign, runs: Sequence[TrainingRun]) -> dict[int, LeftRun]:
    """What is known of each run."""
    jobs, stages = jobs_by_run(campaign), train_stages(campaign)
    names = [run.run_name for run in runs]
    elsewhere = TrainingRun.objects.exclude(campaign=campaign).filter(run_name__in=names)
    shared = set(elsewhere.values_list("run_name", flat=True))
    return {
        run.pk: run_state(run, jobs.get(run.pk, []), stages.get(run.pk), is_shared=run.run_name in shared)
        for run in runs
    }


def run_state(run: TrainingRun, jobs: Sequence[Job], stage: RoundStage | None, *, is_shared: bool) -> LeftRun:
    """One run; of a round's run its stage says whether the round may still resume it."""
    is_open = stage is not None and stage.round.ended_at is None and stage.status != "stale"
    ends = [job.ended_at for job in jobs if job.ended_at]
    return LeftRun(
        is_live=any(job.status in LIVE for job in jobs),
        is_shared=is_shared,
        open_round=stage.round.number if stage and is_open else None,
        is_over=run.child_id is not None or stage is not None,
        ended_at=max(ends, default=run.created_at),
    )


def jobs_by_run(campaign: Campaign) -> dict[int, list[Job]]:
    """All jobs that checked or trained each run."""
    found: dict[int, list[Job]] = defaultdict(list)
    for job in campaign.jobs.filter(kind__in=RUN_JOBS).only("spec", "status", "ended_at"):
        found[job.spec["training_run_id"]].append(job)
    return found
