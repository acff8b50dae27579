"""A comparison item by item: what the child fixed, what it broke, page by page. The database pairs, not Python."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from diagnostics.models import Answer, AnswerRun, Item, RunItem, Verdict
from diagnostics.selectors.outcomes import extractor_of, item_share
from training.models import TARGET, Evaluation, EvaluationRow
from training.selectors.parts import SuiteView

# An item's share of right answers decides: with one answer an item this is right or wrong.
OUTCOMES: dict[str, Q] = {
    "fixed": Q(new__gt=F("old")),
    "broken": Q(new__lt=F("old")),
    "same_right": Q(new=F("old"), old__gte=0.5),
    "same_wrong": Q(new=F("old"), old__lt=0.5),
    "unscored": Q(old__isnull=True) | Q(new__isnull=True),
}


@dataclass(frozen=True)
class ItemFilter:
    """What to show; empty means all. ``suite`` is a row of the evaluation."""

    outcome: str = ""
    suite: str = ""
    skill: str = ""


@dataclass(frozen=True)
class Said:
    """One answer with the verdict that counted."""

    answer: Answer
    verdict: Verdict | None


@dataclass(frozen=True)
class PairView:
    """One item with what parent and child answered; ``old`` and ``new`` are shares of right answers."""

    position: int
    item: Item
    outcome: str
    old: float | None
    new: float | None
    before: list[Said]
    after: list[Said]


def pairs_filtered(evaluation: Evaluation, wanted: ItemFilter) -> QuerySet[RunItem]:
    """The evaluation's items that fit the filter, with ``old`` and ``new``."""
    rows = pairs_within(evaluation, wanted)
    return rows.filter(OUTCOMES[wanted.outcome]) if wanted.outcome else rows


def pairs_within(evaluation: Evaluation, wanted: ItemFilter) -> QuerySet[RunItem]:
    """Items of the wanted suite and skill in the order in which they were asked, whatever became of them."""
    rows = RunItem.objects.filter(run=evaluation.before).select_related("item__benchmark").order_by("position")
    rows = rows.annotate(old=item_share(evaluation.before), new=item_share(evaluation.after))
    if wanted.suite:
        rows = rows.filter(suite_condition(evaluation, wanted.suite))
    return rows.filter(item__skill=wanted.skill) if wanted.skill else rows


def suite_condition(evaluation: Evaluation, name: str) -> Q:
    """Which items make up a suite: a benchmark's, and where it is two suites only those of one role."""
    row = EvaluationRow.objects.filter(evaluation=evaluation, suite=name).first()
    if row is None:
        return Q(pk__in=[])
    is_target = Q(item__skill__in=evaluation.target_skills)
    benchmarks = Q(item__benchmark__name__in={name, name.removesuffix(f" ({row.role})")})
    return benchmarks & (is_target if row.role == TARGET else ~is_target)


def outcome_counts(evaluation: Evaluation, wanted: ItemFilter, rows: Sequence[SuiteView]) -> dict[str, int]:
    """How many items of the wanted suite and skill had each outcome: from the frozen ``rows`` where they say it."""
    is_single = max(evaluation.before.num_answers, evaluation.after.num_answers) == 1
    if is_single and not wanted.suite and not wanted.skill:
        return frozen_counts(evaluation.before.num_items, rows)
    return counted(evaluation, wanted)


def frozen_counts(num_items: int, rows: Sequence[SuiteView]) -> dict[str, int]:
    """The outcomes of all items with one answer each, from what every suite counted when it was evaluated."""
    fixed, broken, scored = (sum(getattr(row, name) for row in rows) for name in ("fixed", "broken", "items"))
    right = sum(round(row.before * row.items) for row in rows) - broken
    counts = (fixed, broken, right, scored - fixed - broken - right, num_items - scored)
    return dict(zip(OUTCOMES, counts, strict=True))


def counted(evaluation: Evaluation, wanted: ItemFilter) -> dict[str, int]:
    """The outcomes of the wanted suite and skill; one query."""
    rows = pairs_within(evaluation, wanted)
    return rows.order_by().aggregate(**{name: Count("pk", filter=condition) for name, condition in OUTCOMES.items()})


def pairs_read(evaluation: Evaluation, places: Iterable[RunItem]) -> list[PairView]:
    """Rows of ``pairs_filtered`` with both runs' answers; four queries besides the rows' own."""
    places = list(places)
    items = [place.item_id for place in places]
    before, after = (said_by_item(run, items) for run in (evaluation.before, evaluation.after))
    return [pair_view(place, before.get(place.item_id, []), after.get(place.item_id, [])) for place in places]


def pair_view(place: Any, before: list[Said], after: list[Said]) -> PairView:
    """One annotated row with its answers."""
    return PairView(place.position, place.item, outcome_of(place.old, place.new), place.old, place.new, before, after)


def outcome_of(old: float | None, new: float | None) -> str:
    """The name in OUTCOMES of what happened to an item."""
    if old is None or new is None:
        return "unscored"
    if old == new:
        return "same_right" if old >= 0.5 else "same_wrong"
    return "fixed" if new > old else "broken"


def said_by_item(run: AnswerRun, items: Sequence[int]) -> dict[int, list[Said]]:
    """A run's answers to the items, each with the rules' verdict that the comparison counted; two queries."""
    found: dict[int, list[Said]] = {}
    answers = Answer.objects.filter(run=run, item__in=items).order_by("sample_ix")
    verdicts = Verdict.objects.filter(answer__in=answers, judge="rule", extractor_version=extractor_of(run))
    by_answer: Mapping[int, Verdict] = {verdict.answer_id: verdict for verdict in verdicts}
    for answer in answers:
        found.setdefault(answer.item_id, []).append(Said(answer, by_answer.get(answer.pk)))
    return found


def pairs_chunked(evaluation: Evaluation, wanted: ItemFilter, size: int = 200) -> Iterator[list[PairView]]:
    """All pairs that fit the filter, ``size`` at a time."""
    rows, last = pairs_filtered(evaluation, wanted), -1
    while pairs := pairs_read(evaluation, rows.filter(position__gt=last)[:size]):
        yield pairs
        last = pairs[-1].position
