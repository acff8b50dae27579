"""What the pages of a training run's prompts show: all by how their reward changed, and one over its steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.templatetags.static import static

from core.domain.rollouts import ROLLOUTS_FOLDER, Rollout, rollouts_path, rollouts_read
from core.errors import InvalidInput, NotFound
from training.figures import chart, figure, trace
from training.models import Prompt, TrainingRun, Turn
from training.selectors.curves import CurvePoint

PAGE, TURNS = 25, 4
ORDERS = {"rise": "most risen first", "fall": "most fallen first"}
PURPOSES = ("target", "replay")
REWARD = chart("prompt-reward", "Reward", "mean of its completions at each of its steps")


@dataclass(frozen=True)
class PromptFilter:
    """Which prompts, and in which order; empty means all."""

    skill: str = ""
    purpose: str = ""
    order: str = "rise"


@dataclass(frozen=True)
class TurnView:
    """One turn with its completions; None where their file is not on this machine."""

    turn: Turn
    rollouts: list[Rollout] | None


def filter_of(asked: QueryDict) -> PromptFilter:
    """The filter in a query string; InvalidInput for an order or a purpose that does not exist."""
    wanted = PromptFilter(asked.get("skill", ""), asked.get("purpose", ""), asked.get("order") or "rise")
    for name, value, known in (("order", wanted.order, ORDERS), ("purpose", wanted.purpose, ("", *PURPOSES))):
        if value not in known:
            raise InvalidInput(f"{name} must be one of {', '.join(filter(None, known))}.", field=name)
    return wanted


def prompts_filtered(run: TrainingRun, wanted: PromptFilter, after: int | None) -> QuerySet[Prompt]:
    """The prompts behind the prompt ``after``, most risen or most fallen first; equal changes by age."""
    rows = run.prompts.select_related("sample")
    named = {name: getattr(wanted, name) for name in ("skill", "purpose") if getattr(wanted, name)}
    rows = rows.filter(**named)
    last = run.prompts.filter(pk=after).first() if after is not None else None
    if wanted.order == "fall":
        behind = Q(change__gt=last.change) | Q(change=last.change, pk__gt=last.pk) if last else Q()
        return rows.filter(behind).order_by("change", "pk")
    behind = Q(change__lt=last.change) | Q(change=last.change, pk__lt=last.pk) if last else Q()
    return rows.filter(behind).order_by("-change", "-pk")


def prompts_context(run: TrainingRun, asked: QueryDict, after: int | None) -> dict[str, Any]:
    """A page of the run's prompts with what its filters offer; the skills come from the run's own data."""
    wanted = filter_of(asked)
    rows = list(prompts_filtered(run, wanted, after)[: PAGE + 1])
    skills = run.prompts.order_by("skill").values_list("skill", flat=True).distinct()
    return {
        "run": run,
        "wanted": wanted,
        "prompts": rows[:PAGE],
        "has_texts": (Path(settings.RUNS_ROOT) / run.run_name / ROLLOUTS_FOLDER).is_dir(),
        "more": rows[PAGE - 1].pk if len(rows) > PAGE else None,
        "skills": list(skills),
        "purposes": PURPOSES,
        "orders": ORDERS,
    }


def prompt_of(run: TrainingRun, pk: int) -> Prompt:
    """One prompt of this run; NotFound for another run's."""
    found = run.prompts.select_related("sample").filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no prompt {pk} in {run}.")
    return found


def turns_behind(prompt: Prompt, before: int | None) -> QuerySet[Turn]:
    """The prompt's turns before the turn ``before``, newest first; they are stored in the order of the steps."""
    rows = prompt.turns.order_by("-pk")
    return rows if before is None else rows.filter(pk__lt=before)


def turns_read(run: TrainingRun, turns: Sequence[Turn]) -> list[TurnView]:
    """The turns with their completions, a file opened for each."""
    folder = Path(settings.RUNS_ROOT) / run.run_name
    return [TurnView(turn, rollouts_read(rollouts_path(folder, turn.step), turn.place)) for turn in turns]


def prompt_context(run: TrainingRun, prompt: Prompt, before: int | None) -> dict[str, Any]:
    """One prompt: its reward over the steps, and its newest turns (or those before one) with every completion."""
    turns = list(turns_behind(prompt, before)[: TURNS + 1])
    points = prompt.turns.filter(reward__isnull=False).order_by("step", "place").values_list("step", "reward")
    curve = [CurvePoint("reward", "", step, reward) for step, reward in points if reward is not None]
    return {
        "run": run,
        "prompt": prompt,
        "turns": turns_read(run, turns[:TURNS]),
        "more": turns[TURNS - 1].pk if len(turns) > TURNS else None,
        "before": before,
        "charts": [REWARD],
        "figures": {REWARD["key"]: figure([trace(curve, "Reward")])} if curve else {},
        "plotly": static("plotly/plotly.min.js"),
    }
