"""What the blind spots page reads: the campaign's reports, and how every skill moved over them. Frozen numbers only."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.models import Campaign
from diagnostics.figures import marks_of, ticks_context
from diagnostics.models import Report, SkillDiagnosis
from diagnostics.selectors.reports import skill_view, weak_first

PAGE = 12


@dataclass(frozen=True)
class ReportLine:
    """One report in the list, with the number of its skills by verdict."""

    report: Report
    weak: int
    not_weak: int
    not_enough_data: int


@dataclass(frozen=True)
class SkillHistory:
    """One skill over the reports, oldest first; None where a report says nothing of it."""

    skill: str
    cells: list[SkillDiagnosis | None]

    @property
    def change(self) -> float | None:
        """The newest accuracy less the oldest, both as counted; None with fewer than two."""
        known = [cell.accuracy for cell in self.cells if cell]
        return known[-1] - known[0] if len(known) > 1 else None

    @property
    def place(self) -> tuple[bool, float, str]:
        """Where it stands: the lowest of the newest report first, what that report does not know last."""
        newest = self.cells[-1]
        return newest is None, newest.shrunken if newest else 0.0, self.skill


def reports_context(campaign: Campaign, before: int | None) -> dict[str, Any]:
    """The newest report's weak skills, all reports, and every skill over them; two queries."""
    rows = campaign.reports.select_related("run__checkpoint").order_by("-id")
    found = list((rows if before is None else rows.filter(pk__lt=before))[: PAGE + 1])
    reports = found[:PAGE]
    skills = skills_by_report(reports)
    newest = reports[0] if reports and before is None else None
    return {
        "newest": newest,
        "lines": [report_line(report, skills[report.pk]) for report in reports],
        "columns": reports[::-1],
        "histories": histories_of([skills[report.pk] for report in reports[::-1]]),
        "more": reports[-1].pk if len(found) > PAGE else None,
        **(newest_context(newest, skills[newest.pk]) if newest else {}),
    }


def newest_context(report: Report, skills: Sequence[SkillDiagnosis]) -> dict[str, Any]:
    """The weak skills of a report as the table of skills draws them."""
    weak = [skill_view(row) for row in weak_first(skills) if row.verdict == "weak"]
    return {"marks": [marks_of(row) for row in weak], "num_skills": len(skills), **ticks_context(report.tau)}


def skills_by_report(reports: Sequence[Report]) -> dict[int, list[SkillDiagnosis]]:
    """The skills of each report; one query."""
    found: dict[int, list[SkillDiagnosis]] = {report.pk: [] for report in reports}
    for row in SkillDiagnosis.objects.filter(report__in=reports).order_by("skill"):
        found[row.report_id].append(row)
    return found


def report_line(report: Report, skills: Sequence[SkillDiagnosis]) -> ReportLine:
    """A report with its verdicts counted."""
    counts = Counter(row.verdict for row in skills)
    return ReportLine(report, counts["weak"], counts["not_weak"], counts["not_enough_data"])


def histories_of(columns: Sequence[Sequence[SkillDiagnosis]]) -> list[SkillHistory]:
    """Every skill of any report, those that are lowest in the newest one first."""
    by_skill = [{row.skill: row for row in column} for column in columns]
    names = {skill for column in by_skill for skill in column}
    rows = [SkillHistory(name, [column.get(name) for column in by_skill]) for name in names]
    return sorted(rows, key=lambda row: row.place)
