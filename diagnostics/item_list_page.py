"""What the page of all items shows: a filter, items with how often they were answered rightly, views, exports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Q

from core.models import Campaign, Job
from diagnostics.models import AnswerRun, Item, SavedView, Verdict
from diagnostics.selectors.item_filters import (
    DISAGREEMENTS,
    OPEN_SPLITS,
    SCAN,
    VERDICTS,
    ItemFilter,
    benchmark_names,
    image_types,
    items_asked,
    items_fitting,
    skill_names,
)

PAGE = 25
EXPORTS = 5
EXPORT_KIND = "items_export"


@dataclass(frozen=True)
class ItemLine:
    """One item in the list: how many of its answers the rule called right, of those it scored."""

    item: Item
    num_right: int
    num_scored: int


@dataclass(frozen=True)
class ItemsPage:
    """A page of items; ``more`` is the id to go on behind, ``is_cut`` says that SCAN items did not fill it."""

    lines: list[ItemLine]
    more: int | None
    is_cut: bool


def items_page(campaign: Campaign, wanted: ItemFilter, after: int | None, size: int = PAGE) -> ItemsPage:
    """Up to ``size`` items with larger ids than ``after``; at most three queries."""
    asked = items_asked(campaign, wanted)
    rows = asked if after is None else asked.filter(pk__gt=after)
    last = rows.values_list("pk", flat=True)[SCAN - 1 : SCAN].first() if wanted.is_costly else None
    within = rows.filter(pk__lte=last) if last is not None else rows
    fitting = items_fitting(within, campaign, wanted).select_related("benchmark")
    found = list(fitting[: size + 1])
    is_full = len(found) > size
    more = found[size - 1].pk if is_full else last
    return ItemsPage(lines_of(found[:size], wanted), more, last is not None and not is_full)


def lines_of(items: Sequence[Item], wanted: ItemFilter) -> list[ItemLine]:
    """The items with their counts, of the one run that is asked for or of all; one query."""
    said = Verdict.objects.filter(answer__item__in=items, judge="rule")
    said = said.filter(answer__run=int(wanted.run)) if wanted.run else said
    right = Count("answer", filter=Q(strict="correct"), distinct=True)
    scored = Count("answer", filter=~Q(strict="unscored"), distinct=True)
    counted = said.values_list("answer__item").annotate(right=right, scored=scored)
    counts = {item: (num_right, num_scored) for item, num_right, num_scored in counted}
    return [ItemLine(item, *counts.get(item.pk, (0, 0))) for item in items]


def items_context(campaign: Campaign, wanted: ItemFilter, after: int | None) -> dict[str, Any]:
    """The page's items and what its filters offer."""
    run = AnswerRun.objects.filter(campaign=campaign, pk=int(wanted.run)).first() if wanted.run else None
    return {
        "wanted": wanted,
        "page": items_page(campaign, wanted, after),
        "scan": SCAN,
        "run": run,
        "selects": [
            ("benchmark", "Benchmark", benchmark_names(campaign), wanted.benchmark),
            ("skill", "Skill", skill_names(campaign), wanted.skill),
            ("image_type", "Picture type", image_types(campaign), wanted.image_type),
            ("split", "Split", OPEN_SPLITS, wanted.split),
            ("verdict", "Some answer is", VERDICTS, wanted.verdict),
            ("disagreement", "Disagreement of", DISAGREEMENTS, wanted.disagreement),
        ],
    }


def views_of(campaign: Campaign, user: User) -> list[SavedView]:
    """This person's saved views here, by name."""
    return list(SavedView.objects.filter(campaign=campaign, user=user).order_by("name"))


def exports_context(campaign: Campaign) -> dict[str, Any]:
    """The newest exports, and whether one of them goes on."""
    jobs = exports_newest(campaign)
    return {"exports": jobs, "live": any(job.is_live for job in jobs)}


def exports_newest(campaign: Campaign) -> list[Job]:
    """The exports that the page lists; the files of older ones are cleared away."""
    return list(Job.objects.filter(campaign=campaign, kind=EXPORT_KIND).order_by("-id")[:EXPORTS])
