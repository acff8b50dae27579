"""A training run's curves in full: the whole run's or a part's, how fast it goes, and what it holds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from training.figures import BY_SKILL, chart, chart_key, figure, trace, training_figures
from training.models import Metric, TrainingRun
from training.selectors.curves import CurvePoint

PURPOSES = ("target", "replay")
PARTED = {
    "reward": ("Reward", "mean of a step's completions"),
    "rewards/accuracy": ("Accuracy", "share of completions that are right"),
    "rewards/format": ("Format", "share with the format that the prompt asks for"),
    "kl": ("KL", "from the parent, k3"),
    "entropy": ("Entropy", "nats a token"),
    "clip_ratio/region_mean": ("Clipped", "share of tokens outside the clip's range"),
    "frac_reward_zero_std": ("No gradient", "groups with equal rewards"),
    "completions/mean_length": ("Length", "tokens a completion, mean"),
    "completions/clipped_ratio": ("Cut off", "share of completions at the token limit"),
}
MACHINE = {
    "speed": ("Speed", "completion tokens a second while generating", {"speed/tokens_per_s": "tokens/s"}),
    "memory": ("Memory", "MB that the run holds", {"memory/host_mb": "host", "memory/gpu_mb": "GPU"}),
    "time": (
        "Time",
        "seconds a step in each phase",
        {f"time/{phase}": phase for phase in ("generate", "score", "update", "sync", "save")},
    ),
}
WHOLE = "whole run"


@dataclass(frozen=True)
class Part:
    """What the charts show: everything, one slot group, or one skill."""

    purpose: str = ""
    skill: str = ""

    @property
    def name(self) -> str:
        """As the page says it."""
        return self.purpose or self.skill or WHOLE


def part_of(asked: str) -> Part:
    """The part that a query names as ``target``, ``replay`` or ``skill:NAME``; anything else is the whole run."""
    if asked in PURPOSES:
        return Part(purpose=asked)
    return Part(skill=asked.removeprefix("skill:")) if asked.startswith("skill:") else Part()


def part_points(run: TrainingRun, part: Part) -> list[CurvePoint]:
    """The whole run's points, and the part's with ``skill`` set to its name; one query."""
    machine = [name for *_, lines in MACHINE.values() for name in lines]
    of_group = {f"{part.purpose}/{name}": name for name in PARTED} if part.purpose else {}
    skills = {"", part.skill}
    rows = Metric.objects.filter(training_run=run, name__in=[*PARTED, *machine, *of_group], skill__in=skills)
    points = [CurvePoint(*row) for row in rows.order_by("step").values_list("name", "skill", "step", "value")]
    return [
        replace(point, name=of_group[point.name], skill=part.name) if point.name in of_group else point
        for point in points
    ]


def run_charts() -> list[dict[str, Any]]:
    """The places of all charts of a run's page."""
    parted = [chart(chart_key(name), title, note) for name, (title, note) in PARTED.items()]
    wide = [
        {**chart(key, title, "targets in colour, replay in grey"), "is_wide": True} for key, title in BY_SKILL.values()
    ]
    return [*parted, *(chart(key, title, note) for key, (title, note, _) in MACHINE.items()), *wide]


def run_figures(
    points: Sequence[CurvePoint], by_skill: Sequence[CurvePoint], targets: Collection[str], part: Part
) -> dict[str, dict[str, Any]]:
    """Figures by chart: a part's curve before the whole run's in grey, every skill's, and the machine's."""
    figures = {key: found for key, found in training_figures(by_skill, targets).items() if key in WIDE}
    lines: dict[tuple[str, str], list[CurvePoint]] = {}
    for point in points:
        lines.setdefault((point.name, point.skill), []).append(point)
    for name in PARTED:
        if drawn := parted_traces(lines.get((name, ""), []), lines.get((name, part.name), []), part):
            figures[chart_key(name)] = figure(drawn)
    for key, (_, _, names) in MACHINE.items():
        drawn = [trace(lines[name, ""], title) for name, title in names.items() if (name, "") in lines]
        if drawn:
            figures[key] = figure(drawn)
    return figures


def parted_traces(whole: Sequence[CurvePoint], own: Sequence[CurvePoint], part: Part) -> list[dict[str, Any]]:
    """One curve for the whole run; for a part its own with the whole run's behind it."""
    if part == Part():
        return [trace(whole, WHOLE)] if whole else []
    behind = [{**trace(whole, WHOLE), "role": "replay"}] if whole and own else []
    return [*behind, trace(own, part.name)] if own else []


WIDE = {key for key, _ in BY_SKILL.values()}
