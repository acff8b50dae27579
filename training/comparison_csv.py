"""The items of a comparison as CSV, one line an answer, made while it is sent."""

from collections.abc import Iterator
from itertools import zip_longest

from core.csv_lines import csv_lines
from training.models import Evaluation
from training.paired_items import ItemFilter, PairView, Said, pairs_chunked

COLUMNS = (
    *("item", "benchmark", "index", "skill", "question", "gold", "outcome", "before_share", "after_share", "sample"),
    *("before_answer", "before_extracted", "before_verdict", "after_answer", "after_extracted", "after_verdict"),
)


def comparison_csv(evaluation: Evaluation, wanted: ItemFilter) -> Iterator[bytes]:
    """Head and lines of all items that fit the filter, piece by piece."""
    yield csv_lines([COLUMNS])
    for pairs in pairs_chunked(evaluation, wanted):
        yield csv_lines(line for pair in pairs for line in pair_lines(pair))


def pair_lines(pair: PairView) -> Iterator[list[str]]:
    """One line for every answer of an item."""
    item = pair.item
    head = [str(item.pk), item.benchmark.name, item.index, item.skill, item.question, item.answer, pair.outcome]
    head += ["" if share is None else f"{share:g}" for share in (pair.old, pair.new)]
    for sample, (before, after) in enumerate(zip_longest(pair.before, pair.after), start=1):
        yield [*head, str(sample), *said_cells(before), *said_cells(after)]


def said_cells(said: Said | None) -> list[str]:
    """Text, extracted value and verdict of an answer; empty where there is none."""
    if said is None:
        return ["", "", ""]
    verdict = said.verdict
    return [said.answer.text, verdict.extracted if verdict else "", verdict.strict if verdict else ""]
