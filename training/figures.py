"""Rows turned into figures: training curves for Plotly, places on axes for the SVG that templates write."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datagen.pages import REASONS
from diagnostics.figures import across
from training.selectors.curves import CurvePoint, RoundPoint
from training.selectors.parts import EvaluationView, MixtureRowView, SamplesView, SuiteView

CURVES = {
    "reward": ("Reward", "mean of a step's completions"),
    "kl": ("KL", "from the parent, k3"),
    "frac_reward_zero_std": ("No gradient", "groups with equal rewards"),
    "completions/mean_length": ("Length", "tokens a completion, mean"),
}
BY_SKILL = {
    "reward": ("skills", "Reward by skill"),
    "frac_reward_zero_std": ("skills-no-gradient", "No gradient by skill"),
}
CHART_HEIGHT, PAD = 190.0, 18.0
STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25)


@dataclass(frozen=True)
class Bar:
    """One row with a bar: its name and number, the bar's width, tone and note, and a filter that shows the rows."""

    name: str
    number: int
    width: str
    tone: str = "plain"
    status: str = ""
    note: str = ""
    row: MixtureRowView | None = None


@dataclass(frozen=True)
class SuiteMarks:
    """One suite's line, and where its marks lie."""

    row: SuiteView
    low_x: str
    high_x: str
    dot_x: str
    lower_x: str


@dataclass(frozen=True)
class SuiteGroup:
    """The suites of one role on one axis that is symmetrical around zero; ``pool`` is their mean change."""

    role: str
    pool: Mapping[str, Any] | None
    rows: list[SuiteMarks]
    zero_x: str
    margin_x: str
    ticks: list[tuple[str, float]]


@dataclass(frozen=True)
class RoundMarks:
    """One round's marks: its column in per cent of the width, heights in pixels."""

    point: RoundPoint
    x: str
    before_y: float
    after_y: float
    label_y: float


@dataclass(frozen=True)
class RoundCurve:
    """The campaign's curve with its axis."""

    marks: list[RoundMarks]
    ticks: list[tuple[float, float]]
    height: float


def suite_groups(evaluation: EvaluationView) -> list[SuiteGroup]:
    """Targets, then protected suites: gains of many points and losses of a few need axes of their own."""
    groups = []
    for role, pool in (("target", "targets"), ("protected", "protected")):
        rows = [row for row in evaluation.rows if row.role == role]
        if rows:
            groups.append(suite_group(role, rows, evaluation.margin, evaluation.summary.get(pool)))
    return groups


def suite_group(role: str, rows: Sequence[SuiteView], margin: float, pool: Mapping[str, Any] | None) -> SuiteGroup:
    """One role's suites, every interval inside the axis."""
    reach = 1.08 * max([1.5 * margin, *(abs(end) for row in rows for end in (*row.ci, row.lower))])
    step = next((size for size in STEPS if reach / size <= 3), 0.5)
    values = [step * i for i in range(-int(reach / step), int(reach / step) + 1)]

    def place(value: float) -> str:
        return across(value, -reach, reach)

    marks = [SuiteMarks(row, place(row.ci[0]), place(row.ci[1]), place(row.diff), place(row.lower)) for row in rows]
    return SuiteGroup(role, pool, marks, place(0.0), place(-margin), [(place(value), value) for value in values])


def round_curve(points: Sequence[RoundPoint]) -> RoundCurve:
    """Parent and child of every round that was evaluated."""
    values = [value for point in points for value in (point.before, point.after)]
    low, high = max(0.0, min(values) - 0.05), min(1.0, max(values) + 0.05)

    def height(value: float) -> float:
        return round(PAD + (CHART_HEIGHT - 2 * PAD) * (high - value) / (high - low), 1)

    step = next((size for size in STEPS if (high - low) / size <= 5), 0.5)
    ticks = [step * i for i in range(1 + int(low / step), 1 + int(high / step)) if low <= step * i <= high]
    marks = []
    for i, point in enumerate(points):
        x, top = across(i + 0.5, 0, len(points)), min(height(point.before), height(point.after))
        marks.append(RoundMarks(point, x, height(point.before), height(point.after), top - 9))
    return RoundCurve(marks, [(height(value), value) for value in ticks], CHART_HEIGHT)


def charts_of() -> list[dict[str, Any]]:
    """The places of all training curves on a page; those by skill are wide."""
    charts = [chart(chart_key(name), title, note) for name, (title, note) in CURVES.items()]
    note = "targets in colour, replay in grey"
    return charts + [{**chart(key, title, note), "is_wide": True} for key, title in BY_SKILL.values()]


def chart(key: str, title: str, note: str) -> dict[str, Any]:
    """The place of one chart on a page."""
    return {"key": key, "title": title, "note": note}


def training_figures(points: Sequence[CurvePoint], targets: Collection[str]) -> dict[str, dict[str, Any]]:
    """Plotly figures by chart: one curve each of CURVES, one a skill for BY_SKILL with ``targets`` in front."""
    series: dict[str, dict[str, list[CurvePoint]]] = {}
    for point in points:
        series.setdefault(point.name, {}).setdefault(point.skill, []).append(point)
    figures = {
        chart_key(name): figure([trace(series[name][""], title)])
        for name, (title, _) in CURVES.items()
        if "" in series.get(name, {})
    }
    for name, (key, _) in BY_SKILL.items():
        lines = [line for skill, line in sorted(series.get(name, {}).items()) if skill]
        if lines:
            figures[key] = skill_figure(lines, targets)
    return figures


def skill_figure(lines: Sequence[Sequence[CurvePoint]], targets: Collection[str]) -> dict[str, Any]:
    """One curve a skill; replay is drawn first, so that targets lie in front."""
    drawn = [(line[0].skill in targets, trace(line, line[0].skill)) for line in lines]
    drawn.sort(key=lambda pair: pair[0])
    return figure([{**one, "role": "target" if is_target else "replay"} for is_target, one in drawn])


def chart_key(name: str) -> str:
    """A metric's name as a page's id."""
    return name.replace("/", "-")


def trace(line: Sequence[CurvePoint], name: str) -> dict[str, Any]:
    """One curve in the order of its steps."""
    points = sorted(line, key=lambda point: point.step)
    mode = "lines+markers" if len(points) < 3 else "lines"
    steps, values = [point.step for point in points], [round(point.value, 6) for point in points]
    return {"type": "scatter", "mode": mode, "name": name, "x": steps, "y": values}


def figure(traces: list[dict[str, Any]]) -> dict[str, Any]:
    """A figure without colours: charts.js takes those from the page's theme."""
    is_positive = all(value is None or value >= 0 for one in traces for value in one["y"])
    axis = {"yaxis": {"rangemode": "nonnegative"}} if is_positive else {}
    return {"data": traces, "layout": {"showlegend": False, **axis}}


def newest(points: Sequence[CurvePoint]) -> list[tuple[str, str]]:
    """The last value of each of CURVES by title, to four digits."""
    last = {point.name: point.value for point in points if not point.skill}
    return [(title, f"{last[name]:.4g}") for name, (title, _) in CURVES.items() if name in last]


def mixture_bars(rows: Sequence[MixtureRowView]) -> list[Bar]:
    """The mixture's rows with their bars; the largest quota fills its cell."""
    most = max((row.quota for row in rows), default=0)
    return [Bar(row.skill, row.quota, bar_width(row.quota, most), row=row) for row in rows]


def funnel_bars(samples: SamplesView, tries: Mapping[str, int]) -> list[Bar]:
    """Where the slots stand, and where their tries; every bar on one scale."""
    rows = [
        ("Slots", samples.slots, "plain", "", "one for each sample of the mixture"),
        ("Filled", samples.filled, "good", "", "an accepted sample in each"),
        ("Open", samples.open, "busy", "", "wait for their next try"),
        ("Given up", samples.given_up, "bad", "", "no try was accepted"),
        ("Tries", sum(tries.values()), "plain", "", "questions that agents were asked for"),
        ("Written", tries["written"], "busy", "written", "wait for quality control"),
        ("Checked", tries["checked"], "busy", "checked", "wait for the difficulty filter"),
        ("Accepted", tries["accepted"], "good", "accepted", "became samples"),
        ("Held", tries["held"], "open", "held", "a person must look"),
        ("Rejected", tries["rejected"], "plain", "rejected", "did not pass"),
    ]
    most = max(number for _, number, *_ in rows)
    return [Bar(name, number, bar_width(number, most), tone, status, note) for name, number, tone, status, note in rows]


def reason_bars(samples: SamplesView) -> list[Bar]:
    """Why tries were rejected, most frequent first, each with its sentence."""
    rows = sorted(samples.rejected.items(), key=lambda pair: (-pair[1], pair[0]))
    most = max(samples.rejected.values(), default=0)
    return [Bar(reason, number, bar_width(number, most), note=REASONS.get(reason, "")) for reason, number in rows]


def bar_width(number: float, most: float) -> str:
    """A bar's width in its cell."""
    return across(number, 0.0, most or 1.0)
