"""What the training pages show: every run of a campaign, and one run with its curves, newest values and log."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.templatetags.static import static

from core.gpu_runs import LOG_FILE
from core.models import Campaign, Job
from datagen.models import MixtureRow
from training.figures import BY_SKILL, newest
from training.models import TARGET, Preflight, RoundStage, TrainingRun
from training.run_figures import PURPOSES, part_of, part_points, run_charts, run_figures
from training.selectors.curves import CurvePoint, curve_points
from training.selectors.runs import runs_of, train_stages
from training.selectors.stages import STUCK

PAGE = 25
LOG_LINES, LOG_BYTES = 100, 1 << 16
STATES = {
    "succeeded": "The child is registered as a checkpoint.",
    "running": "It trains now; curves and values below follow it.",
    "waiting": "It waits for the gpu worker.",
    "checking": "Its pre-flight looks at everything that it needs; it trains by itself once that has passed.",
    "held": "Its pre-flight did not pass: mend what the table names, or answer for it.",
}


@dataclass(frozen=True)
class RunLine:
    """One training run: the stage that it belongs to with its job, if they are known, and how it stands."""

    run: TrainingRun
    stage: RoundStage | None

    @property
    def job(self) -> Job | None:
        """The job that does it."""
        return self.stage.job if self.stage else self.run.job

    @property
    def looks(self) -> list[Preflight]:
        """Its pre-flights, newest first."""
        return sorted(self.run.preflights.all(), key=lambda look: -look.take)

    @property
    def status(self) -> str:
        """Succeeded once the child exists, else the job's word; of a run by hand that has no job its pre-flight's."""
        if self.run.child_id:
            return "succeeded"
        if self.job:
            return self.job.status
        return ("checking" if self.looks[0].job.is_live else "held") if self.looks else "waiting"

    @property
    def sentence(self) -> str:
        """How it stands, in one sentence; empty when an error says it."""
        return STATES.get(self.status, "")

    @property
    def is_stuck(self) -> bool:
        """Whether its training ended without a child and may be run again."""
        return self.job is not None and self.status in STUCK

    @property
    def error(self) -> str:
        """What went wrong, as a sentence; the stacks or the traceback beside it stand on the job's page."""
        lines = self.job.error_message.strip().splitlines() if self.job else []
        return lines[-1 if self.status == "errored" else 0] if lines else ""

    @property
    def is_live(self) -> bool:
        """Whether it may still change by itself."""
        return self.status == "checking" or (self.status in ("waiting", "running") and self.job is not None)


@dataclass(frozen=True)
class SkillNow:
    """One skill's newest values: mean reward, and the share of groups that gave no gradient; None if not measured."""

    skill: str
    is_target: bool
    step: int
    reward: float | None
    zero_share: float | None
    first_reward: float | None


def run_lines(campaign: Campaign, before: int | None) -> list[RunLine]:
    """Up to PAGE + 1 runs, newest first, with smaller ids than ``before``; two queries."""
    rows = runs_of(campaign)
    stages = train_stages(campaign)
    found = rows if before is None else rows.filter(pk__lt=before)
    return [RunLine(run, stages.get(run.pk)) for run in found[: PAGE + 1]]


def training_run_context(run: TrainingRun, *, may_research: bool, asked: str = "") -> dict[str, Any]:
    """One run: how it stands, its curves, every skill's newest values, its settings, and for researchers its log."""
    return {
        "run": run,
        "line": RunLine(run, train_stages(run.campaign).get(run.pk)),
        "settings": sorted(run.spec.get("settings", {}).items()),
        "versions": sorted(run.result.get("versions", {}).items()),
        "may_research": may_research,
        "log": log_tail(run) if may_research else "",
        **curves_context(run, asked),
    }


def curves_context(run: TrainingRun, asked: str) -> dict[str, Any]:
    """The curves of the part that is asked for, beside every skill's newest values."""
    part, targets = part_of(asked), targets_of(run)
    points, by_skill = part_points(run, part), curve_points(run, BY_SKILL)
    return {
        "alarms": run.alarms.order_by("step", "kind"),
        "part": part,
        "purposes": PURPOSES,
        "charts": run_charts(),
        "plotly": static("plotly/plotly.min.js"),
        "figures": run_figures(points, by_skill, targets, part),
        "latest": newest(points),
        "step": max((point.step for point in points), default=0),
        "skills": skills_now(by_skill, targets),
    }


def targets_of(run: TrainingRun) -> set[str]:
    """The skills that the run's data aims at; one query."""
    rows = MixtureRow.objects.filter(mixture=run.dataset.mixture_id, purpose=TARGET)
    return set(rows.values_list("skill", flat=True))


def skills_now(points: Sequence[CurvePoint], targets: Collection[str]) -> list[SkillNow]:
    """The newest values of every skill, targets first; curves come in the order of their steps."""
    lines: dict[str, dict[str, list[CurvePoint]]] = {}
    for point in points:
        if point.skill:
            lines.setdefault(point.skill, {}).setdefault(point.name, []).append(point)
    rows = [skill_now(skill, curves, skill in targets) for skill, curves in lines.items()]
    return sorted(rows, key=lambda row: (not row.is_target, row.skill))


def skill_now(skill: str, curves: dict[str, list[CurvePoint]], is_target: bool) -> SkillNow:
    """One skill's newest values from its curves."""
    reward, flat = curves.get("reward", []), curves.get("frac_reward_zero_std", [])
    return SkillNow(
        skill=skill,
        is_target=is_target,
        step=max(point.step for line in curves.values() for point in line),
        reward=reward[-1].value if reward else None,
        zero_share=flat[-1].value if flat else None,
        first_reward=reward[0].value if reward else None,
    )


def log_tail(run: TrainingRun) -> str:
    """The last lines that the run's child wrote; empty when there is no log on this machine."""
    path = Path(settings.RUNS_ROOT) / run.run_name / LOG_FILE
    if not run.run_name or not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_BYTES))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-LOG_LINES:])
