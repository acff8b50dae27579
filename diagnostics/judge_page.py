"""What the judging pages read: a run's judgings with the ways that are open, and one judging with its answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.errors import InvalidInput
from diagnostics.domain.kinds import ERROR_TYPES, IMAGE_TYPES
from diagnostics.domain.splits import Split
from diagnostics.models import AnswerRun, Item, Judging, Ruling, Verdict
from diagnostics.selectors.labels import item_labels, label_quality, label_views, labels_shown
from diagnostics.selectors.rulings import SHOWS, judgings_of, rulings_shown
from diagnostics.services.judging import WAYS, way_fault

PAGE = 20
NAMES = {"judge": "By judges", "rule": "By the rules of today", "types": "Types of picture and error"}
SAYS = {
    "judge": "Every answer again, read by the judge; a second and a third where it disagrees with the rules.",
    "rule": "Every answer again, by the extractor that is installed now.",
    "types": "Every wrong answer: of what type its picture is and why it is wrong, with the evidence quoted.",
}


@dataclass(frozen=True)
class WayView:
    """One way of judging: its name, what it does, and why it is not open now."""

    way: str
    name: str
    says: str
    fault: str


@dataclass(frozen=True)
class RulingView:
    """A ruling with what this judging's judges said."""

    ruling: Ruling
    verdicts: list[Verdict]


def run_context(run: AnswerRun, before: int | None) -> dict[str, Any]:
    """The ways, and a run's judgings newest first."""
    rows = judgings_of(run)
    found = list((rows if before is None else rows.filter(pk__lt=before))[: PAGE + 1])
    return {
        "run": run,
        "ways": [WayView(way, NAMES[way], SAYS[way], way_fault(run, way)) for way in WAYS],
        "judgings": [(judging, NAMES[judging.way]) for judging in found[:PAGE]],
        "more": found[PAGE - 1].pk if len(found) > PAGE else None,
    }


def judging_context(judging: Judging, show: str, after: int | None) -> dict[str, Any]:
    """One judging: its frozen numbers, and its answers where people may look at them."""
    is_sealed = judging.run.split == Split.SEALED
    context = {"judging": judging, "result": judging.result, "is_sealed": is_sealed, "name": NAMES[judging.way]}
    if judging.way == "types":
        return {**context, "quality": label_quality(judging), **({} if is_sealed else labels_context(judging, after))}
    return {**context, "shows": SHOWS, **({} if is_sealed else rulings_context(judging, show, after))}


def rulings_context(judging: Judging, show: str, after: int | None) -> dict[str, Any]:
    """The rulings that are asked for, by id."""
    show = show_of(show)
    rows = rulings_shown(judging, show).order_by("pk")
    found = list((rows if after is None else rows.filter(pk__gt=after))[: PAGE + 1])
    more = found[PAGE - 1].pk if len(found) > PAGE else None
    return {"show": show, "rulings": ruling_views(judging, found[:PAGE]), "more": more}


def show_of(show: str) -> str:
    """Which rulings are wanted; those that flipped unless told."""
    if show and show not in SHOWS:
        raise InvalidInput(f"show must be one of {', '.join(SHOWS)}.", field="show")
    return show or SHOWS[0]


def ruling_views(judging: Judging, rulings: Iterable[Ruling]) -> list[RulingView]:
    """Rulings with the verdicts that this judging stands on."""
    names = {f"{role}: {model}" for role, model in judging.judges} or {"rule"}
    key = (judging.prompt_hash, judging.extractor_version)

    def is_mine(row: Verdict) -> bool:
        return row.judge in names and (row.prompt_hash, row.extractor_version) == key

    return [RulingView(one, [row for row in one.answer.verdicts.all() if is_mine(row)]) for one in rulings]


def labels_context(judging: Judging, after: int | None) -> dict[str, Any]:
    """The labels by id, with people's word."""
    rows = labels_shown(judging).order_by("pk")
    found = list((rows if after is None else rows.filter(pk__gt=after))[: PAGE + 1])
    return {"labels": label_views(found[:PAGE]), "more": found[PAGE - 1].pk if len(found) > PAGE else None}


def item_context(item: Item) -> dict[str, Any]:
    """What judges said of an item's wrong answers, with the words to correct it by."""
    return {"labels": item_labels(item), "image_types": IMAGE_TYPES, "error_types": ERROR_TYPES}
