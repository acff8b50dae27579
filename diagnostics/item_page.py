"""What the item page reads: one item, and every answer that any run got to it, newest runs first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.errors import NotAllowed, NotFound
from core.models import Campaign
from diagnostics.domain.run_differences import ABOUT_ITEMS, Difference, run_differences
from diagnostics.domain.splits import Split
from diagnostics.models import Answer, AnswerRun, Item, Report, Verdict
from diagnostics.pages import by_rule
from diagnostics.selectors.run_facts import run_facts

PAGE = 12


@dataclass(frozen=True)
class JudgedAnswer:
    """One answer with every verdict on it, the rules' first."""

    answer: Answer
    verdicts: list[Verdict]


@dataclass(frozen=True)
class RunAnswers:
    """What one run got: its answers, how many of them were scored and right, and the report made of the run.

    ``unlike`` is what else differs from the newest run shown, besides the checkpoint and the other items asked.
    """

    run: AnswerRun
    answers: list[JudgedAnswer]
    num_right: int
    num_scored: int
    report: int | None
    unlike: tuple[Difference, ...] = ()


def item_open(campaign: Campaign, pk: int) -> Item:
    """An item of this campaign; NotFound for another's, NotAllowed for a sealed one."""
    item = Item.objects.filter(benchmark__campaign=campaign, pk=pk).select_related("benchmark").first()
    if item is None:
        raise NotFound(f"There is no item {pk} in {campaign.name}.")
    if item.split == Split.SEALED:
        raise NotAllowed("This item is sealed for the headline: nobody sees it before it is opened, once a campaign.")
    return item


def item_history(item: Item, before: int | None) -> list[RunAnswers]:
    """Up to PAGE + 1 runs that answered the item, newest first, with smaller ids than ``before``; four queries."""
    asked = Answer.objects.filter(item=item)
    if before is not None:
        asked = asked.filter(run__lt=before)
    runs = list(asked.order_by("-run").values_list("run", flat=True).distinct()[: PAGE + 1])
    answers: dict[int, list[Answer]] = {run: [] for run in runs}
    found = Answer.objects.filter(item=item, run__in=runs).select_related("run__checkpoint").order_by("sample_ix")
    for answer in found.prefetch_related("verdicts"):
        answers[answer.run_id].append(answer)
    reports = dict(Report.objects.filter(run__in=runs).values_list("run", "pk"))
    seen = [run_answers(rows, reports.get(run)) for run, rows in answers.items()]
    return [replace(one, unlike=unlike_of(one.run, seen[0].run)) for one in seen]


def unlike_of(run: AnswerRun, newest: AnswerRun) -> tuple[Difference, ...]:
    """What differs between a run and the newest one, for the eyes of one item."""
    return run_differences(run_facts(run), run_facts(newest), ignore=ABOUT_ITEMS)


def run_answers(answers: Sequence[Answer], report: int | None) -> RunAnswers:
    """A run's answers, counted by the rules' newest verdict."""
    words = [verdict.strict for verdict in map(by_rule, answers) if verdict]
    judged = [JudgedAnswer(answer, verdicts_of(answer)) for answer in answers]
    return RunAnswers(answers[0].run, judged, words.count("correct"), len(words) - words.count("unscored"), report)


def verdicts_of(answer: Answer) -> list[Verdict]:
    """All verdicts on an answer: the rules' first, newer ones before older."""
    return sorted(answer.verdicts.all(), key=lambda row: (row.judge != "rule", row.judge, -row.pk))
