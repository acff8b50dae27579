"""What a run got right, item by item: the mean over its scored answers. Unscored answers never enter a share."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Avg, Case, Count, FloatField, OuterRef, Q, Subquery, When

from core.domain.answers import EXTRACTOR_VERSION
from diagnostics.models import AnswerRun, RunItem, Verdict

UNSCORED = Q(strict="unscored")


@dataclass(frozen=True)
class ItemOutcome:
    """One item of a run. ``strict`` and ``lenient`` are shares of right answers, None when none was scored."""

    item_id: int
    benchmark_id: int
    benchmark: str
    skill: str
    image_type: str
    answer_type: str
    cluster: str
    strict: float | None
    lenient: float | None
    num_scored: int
    num_unscored: int


@dataclass(frozen=True)
class Tally:
    """One item's verdicts, counted."""

    right: int = 0
    right_lenient: int = 0
    scored: int = 0
    unscored: int = 0


def item_outcomes(run: AnswerRun) -> list[ItemOutcome]:
    """Every item of the run in the order in which it was asked, with its outcome by the rule; two queries."""
    return outcomes_by(run, tallies_read(run))


def outcomes_by(run: AnswerRun, tallies: Mapping[int, Tally]) -> list[ItemOutcome]:
    """Every item of the run in the order in which it was asked, with its outcome by these counts."""
    names = ("benchmark_id", "benchmark__name", "skill", "image_type", "answer_type", "cluster")
    asked = RunItem.objects.filter(run=run).order_by("position")
    rows = asked.values_list("item_id", *(f"item__{name}" for name in names))
    return [outcome_of(row, tallies.get(row[0], Tally())) for row in rows]


def outcome_of(row: tuple[int, int, str, str, str, str, str], tally: Tally) -> ItemOutcome:
    """An item's columns with its counted verdicts."""
    strict = tally.right / tally.scored if tally.scored else None
    lenient = tally.right_lenient / tally.scored if tally.scored else None
    return ItemOutcome(*row, strict, lenient, tally.scored, tally.unscored)


def tallies_read(run: AnswerRun) -> dict[int, Tally]:
    """Verdicts counted by item, those of the extractor that the run was completed with."""
    mine = Verdict.objects.filter(answer__run=run, judge="rule", extractor_version=extractor_of(run))
    counted = mine.values_list("answer__item_id").annotate(
        right=Count("pk", filter=Q(strict="correct")),
        right_lenient=Count("pk", filter=Q(lenient="correct")),
        scored=Count("pk", filter=~UNSCORED),
        unscored=Count("pk", filter=UNSCORED),
    )
    return {item_id: Tally(*counts) for item_id, *counts in counted}


def extractor_of(run: AnswerRun) -> str:
    """The version of the rules that the run was completed with."""
    return str(run.result.get("extractor_version", EXTRACTOR_VERSION))


def item_share(run: AnswerRun) -> Subquery:
    """For a query of RunItem rows: the item's share of right answers in ``run``; NULL when none was scored."""
    mine = Verdict.objects.filter(answer__run=run, answer__item=OuterRef("item"), judge="rule")
    scored = mine.filter(extractor_version=extractor_of(run)).exclude(UNSCORED).order_by()
    right = Avg(Case(When(strict="correct", then=1.0), default=0.0, output_field=FloatField()))
    return Subquery(scored.values("answer__item").annotate(share=right).values("share"), output_field=FloatField())
