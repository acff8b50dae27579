"""Rows turned into drawings: places on an axis, for the SVG that templates write."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from diagnostics.selectors.reports import ReportView, SkillView

TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class SkillMarks:
    """One skill's line: its row, and where its marks lie (SVG lengths in per cent of the width)."""

    row: SkillView
    low_x: str
    high_x: str
    dot_x: str
    lenient_x: str
    note: str


def across(value: float, low: float = 0.0, high: float = 1.0) -> str:
    """Where ``value`` lies between ``low`` and ``high``, as an SVG length; the ends are never left."""
    share = (value - low) / (high - low)
    return f"{100 * min(1.0, max(0.0, share)):.2f}%"


def skill_marks(skills: Iterable[SkillView]) -> list[SkillMarks]:
    """Every skill's line, in the order given."""
    return [marks_of(row) for row in skills]


def marks_of(row: SkillView) -> SkillMarks:
    """One skill's line."""
    return SkillMarks(
        row=row,
        low_x=across(row.low),
        high_x=across(row.high),
        dot_x=across(row.shrunken),
        lenient_x=across(row.accuracy_lenient),
        note=note_of(row),
    )


def note_of(row: SkillView) -> str:
    """What an open verdict needs, and when not to trust the interval."""
    notes = ["too few images"] if row.has_too_few_images else []
    if row.verdict == "not_enough_data":
        notes.append(f"{row.num_more:,} more" if row.num_more else "not decidable with this bank")
    return ", ".join(notes)


def ticks(values: Sequence[float] = TICKS) -> list[tuple[str, float]]:
    """Places and values of an accuracy axis."""
    return [(across(value), value) for value in values]


def ticks_context(tau: float) -> dict[str, Any]:
    """The axis of a table of skills, and where its threshold lies."""
    return {"ticks": ticks(), "tau_x": across(tau)}


def report_marks(report: ReportView) -> dict[str, Any]:
    """What the table of skills draws, and how many skills are weak, not weak, undecided."""
    counts = Counter(row.verdict for row in report.skills)
    return {
        "marks": skill_marks(report.skills),
        **ticks_context(report.tau),
        "counts": {name: counts[name] for name in ("weak", "not_weak", "not_enough_data")},
    }
