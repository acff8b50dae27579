"""What the report pages read besides the report: one skill's items with their answers, page by page."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from core.errors import NotFound
from diagnostics.models import Answer, AnswerRun, Item, RunItem, Verdict
from diagnostics.selectors.reports import ReportView, SkillView

PAGE = 20
OUTCOMES = ("incorrect", "correct", "unscored")


@dataclass(frozen=True)
class AnswerView:
    """One answer with the verdict of the rules, if it was scored."""

    answer: Answer
    verdict: Verdict | None


@dataclass(frozen=True)
class ItemView:
    """One item of a run with all its answers, at its place in the run."""

    position: int
    item: Item
    answers: list[AnswerView]


def skill_open(report: ReportView, skill: str) -> SkillView:
    """What the report says of one skill."""
    found = next((row for row in report.skills if row.skill == skill), None)
    if found is None:
        raise NotFound(f"The report says nothing of {skill!r}.")
    return found


def skill_items(run: AnswerRun, skill: str, *, outcome: str, after: int | None) -> list[ItemView]:
    """Up to PAGE + 1 items of a skill behind place ``after``; only those with such an ``outcome`` if one is given."""
    rows = RunItem.objects.filter(run=run, item__skill=skill).select_related("item__benchmark").order_by("position")
    if after is not None:
        rows = rows.filter(position__gt=after)
    if outcome:
        rows = with_outcome(rows, run, outcome)
    places = list(rows[: PAGE + 1])
    answers: dict[int, list[AnswerView]] = {place.item_id: [] for place in places}
    for answer in (
        Answer.objects.filter(run=run, item_id__in=answers).order_by("sample_ix").prefetch_related("verdicts")
    ):
        answers[answer.item_id].append(AnswerView(answer, by_rule(answer)))
    return [ItemView(place.position, place.item, answers[place.item_id]) for place in places]


def with_outcome(rows: QuerySet[RunItem], run: AnswerRun, outcome: str) -> QuerySet[RunItem]:
    """Items that have at least one answer with this strict outcome."""
    such = Verdict.objects.filter(answer__run=run, answer__item=OuterRef("item"), judge="rule", strict=outcome)
    return rows.filter(Exists(such))


def by_rule(answer: Answer) -> Verdict | None:
    """The newest verdict of the rules."""
    found = [verdict for verdict in answer.verdicts.all() if verdict.judge == "rule"]
    return max(found, key=lambda verdict: verdict.pk, default=None)
