"""The round's page in values: its twelve steps, and one sentence on what happens now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.templatetags.static import static

from core.models import Campaign, Job
from core.selectors import JobRow, job_row
from datagen.models import Mixture
from datagen.pages import tries_by_status
from diagnostics.figures import report_marks
from diagnostics.models import Report
from diagnostics.selectors.reports import report_read
from training.domain.stages import Stage
from training.figures import (
    BY_SKILL,
    CURVES,
    charts_of,
    funnel_bars,
    mixture_bars,
    newest,
    reason_bars,
    suite_groups,
    training_figures,
)
from training.gate_forecast import gate_forecast
from training.models import Round, TrainingRun
from training.selectors.curves import curve_points
from training.selectors.rounds import RoundOverview, round_overview
from training.selectors.stages import StageView, open_stage

DOING = {
    Stage.DIAGNOSE: "The parent answers the probe items.",
    Stage.REPORT: "Answers are counted, and every skill gets its verdict.",
    Stage.MIXTURE: "The next data is planned from the report.",
    Stage.APPROVE: "The mixture is planned. Nothing is generated or paid for until a person approves it.",
    Stage.GENERATE: "Agents write questions for the open slots.",
    Stage.QUALITY: "Duplicates go out, and another model solves every question without seeing its answer.",
    Stage.DIFFICULTY: "The parent answers every sample several times: what is too easy or too hard teaches nothing.",
    Stage.DATASET: "Accepted samples become a dataset that never changes.",
    Stage.TRAIN: "GRPO trains the child from the parent.",
    Stage.EVALUATE: "Parent and child answer the same gate items.",
    Stage.GATE: "Paired tests compare parent and child, suite by suite.",
    Stage.DECIDE: "The gate did not promote by itself, so a person decides.",
}
STOPPED = "A researcher can run it again: what it stored is kept, and nothing is done twice."
SECTIONS = {
    Stage.DIAGNOSE: "diagnosis",
    Stage.REPORT: "diagnosis",
    Stage.MIXTURE: "mixture",
    Stage.APPROVE: "mixture",
    Stage.GENERATE: "samples",
    Stage.QUALITY: "samples",
    Stage.DIFFICULTY: "samples",
    Stage.DATASET: "samples",
    Stage.TRAIN: "training",
    Stage.EVALUATE: "evaluation",
    Stage.GATE: "evaluation",
    Stage.DECIDE: "evaluation",
}
# What each live region shows besides the round itself; the page needs all.
NEEDS = {
    "round-now": ("control",),
    "round-foot": (),
    "diagnosis": ("diagnosis",),
    "mixture": ("data", "evaluation"),
    "samples": ("data",),
    "training": ("training",),
    "training-data": ("training",),
    "evaluation": ("evaluation",),
}
SIGNS = {
    "done": "check",
    "running": "play",
    "queued": "dots",
    "paused": "pause",
    "person": "person",
    "stuck": "alert",
    "skipped": "dot",
    "future": "dot",
}
SPOKEN = {
    "done": "done",
    "running": "running",
    "queued": "waits for a worker",
    "paused": "paused",
    "person": "waits for a person",
    "stuck": "stopped by an error",
    "skipped": "was not needed",
    "future": "still to come",
}


@dataclass(frozen=True)
class Step:
    """One of the twelve steps; ``seconds`` adds up all its takes."""

    stage: Stage
    section: str
    state: str
    sign: str
    spoken: str
    num_takes: int
    percent: int
    seconds: float | None


@dataclass(frozen=True)
class Now:
    """What the round does or waits for, in one sentence; ``position`` changes whenever the round moves on."""

    title: str
    sentence: str
    state: str
    stage: StageView | None
    section: str
    position: str


def steps_of(stages: Sequence[StageView], *, is_over: bool) -> list[Step]:
    """All steps in their order, also those that are still to come."""
    takes: dict[str, list[StageView]] = {}
    for view in stages:
        takes.setdefault(view.stage, []).append(view)
    return [step_of(stage, takes.get(stage, []), is_over=is_over) for stage in Stage]


def step_of(stage: Stage, takes: list[StageView], *, is_over: bool) -> Step:
    """One step from its takes."""
    newest = max(takes, key=lambda view: view.take, default=None)
    state = ("skipped" if is_over else "future") if newest is None else state_of(newest)
    percent = newest.percent if newest and state == "running" else 0
    seconds = sum(view.seconds for view in takes) if takes else None
    return Step(stage, SECTIONS[stage], state, SIGNS[state], SPOKEN[state], len(takes), percent, seconds)


def state_of(view: StageView) -> str:
    """The step's state from its newest take."""
    if view.is_stuck:
        return "stuck"
    if view.status == "waiting":
        return "queued" if view.job else "person"
    return {"stale": "future"}.get(view.status, view.status)


def now_of(stages: Sequence[StageView], *, decision: str) -> Now:
    """Where the round stands."""
    view = open_stage(stages)
    position = f"{view.stage}.{view.take}.{view.status}" if view else f"over.{decision}"
    if view is None:
        title = {"promoted": "Promoted", "rejected": "Rejected"}.get(decision, "Over")
        sentence = {
            "promoted": "The child replaces the parent: the next round starts from it.",
            "rejected": "The child was not promoted: the next round starts from the parent again.",
        }.get(decision, "This round has ended.")
        return Now(title, sentence, "over", None, "evaluation", position)
    stage, state = Stage(view.stage), state_of(view)
    return Now(title_of(view, state), sentence_of(view, state), state, view, SECTIONS[stage], position)


def sentence_of(view: StageView, state: str) -> str:
    """What the open stage does or waits for."""
    if state == "paused":
        return view.error_message
    if state in ("running", "person"):
        return DOING[Stage(view.stage)]
    return STOPPED if state == "stuck" else f"It {view.waiting_for}."


def title_of(view: StageView, state: str) -> str:
    """The open stage in two or three words."""
    take = f", take {view.take}" if view.take > 1 else ""
    if state == "person":
        return "Waits for approval" if view.stage == Stage.APPROVE else "Waits for a decision"
    words = {"running": "", "queued": " waits", "paused": " paused", "stuck": " stopped"}
    return f"{view.stage.capitalize()}{words.get(state, '')}{take}"


def control_of(now: Now, *, may_research: bool) -> JobRow | None:
    """The open stage's job with what may be done about it here; training ends by its own button, which keeps what it
    learnt.
    """
    if now.stage is None or now.stage.job is None or now.state == "stuck" or now.stage.stage == Stage.TRAIN:
        return None
    job = Job.objects.get(pk=now.stage.job)
    return job_row(job, "", may_research=may_research)


def round_context(campaign: Campaign, round: Round, rights: frozenset[str], region: str = "") -> dict[str, Any]:
    """What the round's page shows, or only what one of its regions needs."""
    overview = round_overview(round)
    now = now_of(overview.stages, decision=overview.decision)
    running = Stage(now.stage.stage) if now.stage and now.state == "running" else None
    context = {
        "section": "campaigns",
        "tab": "overview",
        "campaign": campaign,
        "round": overview,
        "now": now,
        "steps": steps_of(overview.stages, is_over=now.stage is None),
        "live": now.stage is not None,
        "waits_for": overview.waits_for,
        "may_research": "research" in rights,
        "may_approve": "approve" in rights,
        "margin": campaign.config.gate.margin,
        "redoable": [view.stage for view in overview.stages if view.job and view.take == 1 and view.status != "stale"],
    }
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "control": lambda: {"row": control_of(now, may_research="research" in rights)},
        "diagnosis": lambda: diagnosis_context(overview),
        "data": lambda: data_context(overview, is_busy=running is not None and SECTIONS[running] == "samples"),
        "training": lambda: training_context(overview, is_busy=running == Stage.TRAIN),
        "evaluation": lambda: evaluation_context(campaign, overview),
    }
    for name in NEEDS.get(region, tuple(parts)):
        context |= parts[name]()
    return context


def diagnosis_context(overview: RoundOverview) -> dict[str, Any]:
    """The report's skills as lines; empty before the report."""
    if overview.report is None:
        return {"report": None}
    report = report_read(Report.objects.select_related("run__checkpoint").get(pk=overview.report.id))
    return {"report": report, **report_marks(report)}


def data_context(overview: RoundOverview, *, is_busy: bool) -> dict[str, Any]:
    """The mixture's rows, the funnel of its samples, and why tries were rejected."""
    rows = overview.mixture.rows if overview.mixture else ()
    samples = overview.samples
    tries = tries_by_status(overview.mixture.id if overview.mixture else None)
    notes = Mixture.objects.values_list("notes", flat=True).get(pk=overview.mixture.id) if overview.mixture else []
    found = {"mixture": overview.mixture, "notes": notes, "mixture_rows": mixture_bars(rows), "samples": samples}
    return {**found, "funnel": funnel_bars(samples, tries), "reasons": reason_bars(samples), "samples_busy": is_busy}


def training_context(overview: RoundOverview, *, is_busy: bool) -> dict[str, Any]:
    """The training run with its curves; empty before it."""
    runs = TrainingRun.objects.select_related("dataset")
    run = runs.filter(pk=overview.training_run).first() if overview.training_run else None
    if run is None:
        return {"run": None, "training_busy": False}
    points = curve_points(run, {*CURVES, *BY_SKILL})
    return {
        "run": run,
        "alarms": run.alarms.order_by("step", "kind"),
        "training_busy": is_busy,
        "charts": charts_of(),
        "plotly": static("plotly/plotly.min.js"),
        "figures": training_figures(points, targets_of(overview)),
        "latest": newest(points),
        "step": max((point.step for point in points), default=0),
    }


def targets_of(overview: RoundOverview) -> set[str]:
    """The skills that this round's data aims at."""
    rows = overview.mixture.rows if overview.mixture else ()
    return {row.skill for row in rows if row.purpose == "target" and row.quota}


def evaluation_context(campaign: Campaign, overview: RoundOverview) -> dict[str, Any]:
    """The suites as lines around zero; before they are there, what the gate will be able to see."""
    evaluation = overview.evaluation
    if evaluation is None or not evaluation.rows:
        rows = overview.mixture.rows if overview.mixture else ()
        num_targets = len(targets_of(overview))
        return {
            "evaluation": evaluation,
            "forecast": gate_forecast(campaign, num_targets, len(rows) - num_targets) if rows else None,
        }
    return {"evaluation": evaluation, "groups": suite_groups(evaluation)}
