"""What the comparison pages show: all comparisons of a campaign, and one by suite, by what it could see, by item."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Sum
from django.http import QueryDict

from core.errors import InvalidInput, NotFound
from core.models import Campaign
from diagnostics.domain.splits import Split
from diagnostics.models import Item
from diagnostics.run_page import runs_differ
from training.domain.gate import detectable_difference, items_needed
from training.figures import suite_groups
from training.models import TARGET, Evaluation
from training.paired_items import OUTCOMES, ItemFilter, outcome_counts, pairs_filtered, pairs_read
from training.selectors.parts import EvaluationView, SuiteView, evaluation_view

PAGE = 20
LINES = 25
TITLES = {
    "fixed": "Fixed",
    "broken": "Broken",
    "same_right": "Right both times",
    "same_wrong": "Wrong both times",
    "unscored": "Unscored",
}


@dataclass(frozen=True)
class Sight:
    """What a paired test on these items could see, shares of 1.

    ``smallest`` is the true change that it shows in 80% of such comparisons, None when it shows none; ``needed`` are
    the items that would show a true change of the size that was found.
    """

    name: str
    n: int
    discordance: float
    diff: float
    smallest: float | None
    needed: int | None

    @property
    def is_seen(self) -> bool:
        """Whether a change of the size that was found would usually be shown."""
        return self.smallest is not None and abs(self.diff) >= self.smallest


def sights_of(rows: Sequence[SuiteView]) -> list[Sight]:
    """The targets together, then every suite by itself."""
    targets = [row for row in rows if row.role == TARGET]
    pooled = [sight_of("All targets", targets)] if len(targets) > 1 else []
    return pooled + [sight_of(row.suite, [row]) for row in rows]


def sight_of(name: str, rows: Sequence[SuiteView]) -> Sight:
    """The sight of a two-sided McNemar test at 5% over the items of ``rows``."""
    n = sum(row.items for row in rows)
    changed = sum(row.fixed + row.broken for row in rows) / n
    diff = sum(row.diff * row.items for row in rows) / n
    smallest = detectable_difference(n, changed) if changed else None
    needed = items_needed(diff, changed) if 1e-9 < abs(diff) <= changed else None
    return Sight(name, n, changed, diff, smallest, needed)


def evaluations_of(campaign: Campaign) -> QuerySet[Evaluation]:
    """The campaign's comparisons with their rounds and checkpoints."""
    related = ("round", "before__checkpoint", "after__checkpoint")
    return Evaluation.objects.filter(round__campaign=campaign).select_related(*related)


def evaluation_of(campaign: Campaign, pk: int) -> Evaluation:
    """One comparison of this campaign; NotFound for another campaign's."""
    found = evaluations_of(campaign).filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no comparison {pk} in {campaign.name}.")
    return found


def comparisons_context(campaign: Campaign, before: int | None) -> dict[str, Any]:
    """All comparisons, newest first, with what they fixed and broke; one query."""
    rows = evaluations_of(campaign).order_by("-id")
    rows = rows if before is None else rows.filter(pk__lt=before)
    counted = rows.annotate(num_fixed=Sum("rows__num_fixed"), num_broken=Sum("rows__num_broken"))
    found = list(counted[: LINES + 1])
    return {"evaluations": found[:LINES], "more": found[LINES - 1].pk if len(found) > LINES else None}


def comparison_context(
    campaign: Campaign, evaluation: Evaluation, asked: QueryDict, after: int | None
) -> dict[str, Any]:
    """One comparison: suites, what could be seen, and a page of its items."""
    view = evaluation_view(evaluation.pk)
    assert view is not None
    wanted = filter_of(asked)
    context = {"evaluation": evaluation, "view": view, "wanted": wanted}
    context["differences"] = runs_differ(evaluation.before, evaluation.after)
    if not view.rows:
        return context
    context |= {"groups": suite_groups(view), "sights": sights_of(view.rows)}
    return {
        **context,
        **filters_context(campaign, evaluation, view, wanted),
        **items_context(evaluation, wanted, after),
    }


def filters_context(
    campaign: Campaign, evaluation: Evaluation, view: EvaluationView, wanted: ItemFilter
) -> dict[str, Any]:
    """What the filters offer, each outcome with its number."""
    counts = outcome_counts(evaluation, wanted, view.rows)
    asked = Item.objects.filter(benchmark__campaign=campaign, split=Split.GATE)
    return {
        "outcomes": [(name, TITLES[name], number) for name, number in counts.items()],
        "num_items": sum(counts.values()),
        "suites": [row.suite for row in view.rows],
        "skills": list(asked.order_by("skill").values_list("skill", flat=True).distinct()),
    }


def items_context(evaluation: Evaluation, wanted: ItemFilter, after: int | None) -> dict[str, Any]:
    """A page of items behind the place ``after``."""
    rows = pairs_filtered(evaluation, wanted)
    pairs = pairs_read(evaluation, (rows if after is None else rows.filter(position__gt=after))[: PAGE + 1])
    return {"pairs": pairs[:PAGE], "more": pairs[PAGE - 1].position if len(pairs) > PAGE else None}


def filter_of(asked: QueryDict) -> ItemFilter:
    """The filter in a query string; InvalidInput for an outcome that does not exist."""
    wanted = ItemFilter(**{name: asked.get(name, "") for name in ("outcome", "suite", "skill")})
    if wanted.outcome and wanted.outcome not in OUTCOMES:
        raise InvalidInput(f"outcome must be one of {', '.join(OUTCOMES)}.", field="outcome")
    return wanted
