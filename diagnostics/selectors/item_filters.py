"""Which items of a campaign a person wants to see: the filter in an address, and the items that fit it.

What no index can answer (text, verdicts, disagreement) is looked for among SCAN items at a time, in the order of
their ids: an answer comes in bounded time, and says how far it looked.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils.http import urlencode

from core.errors import InvalidInput
from core.models import Campaign
from core.pages import MAX_ID
from diagnostics.domain.splits import Split
from diagnostics.models import AnswerRun, Benchmark, Item, RunItem, Verdict

SCAN = 5000
OPEN_SPLITS = (Split.PROBE.value, Split.GATE.value)
VERDICTS = ("correct", "incorrect", "unscored")
DISAGREEMENTS = ("strictness", "judges")
NAMES = ("benchmark", "skill", "image_type", "split", "verdict", "disagreement", "run", "text")
MIN_TEXT, MAX_VALUE = 2, 120
KNOWN: Mapping[str, tuple[str, ...]] = {"split": OPEN_SPLITS, "verdict": VERDICTS, "disagreement": DISAGREEMENTS}


@dataclass(frozen=True)
class ItemFilter:
    """What an item must be like; an empty string asks nothing. Verdicts are those of the rule, strict."""

    benchmark: str = ""
    skill: str = ""
    image_type: str = ""
    split: str = ""
    verdict: str = ""
    disagreement: str = ""
    run: str = ""
    text: str = ""

    @property
    def is_costly(self) -> bool:
        """Whether no index answers it."""
        return bool(self.verdict or self.disagreement or self.run or self.text)

    @property
    def query(self) -> str:
        """The same filter as a query string, always in the same order."""
        return urlencode({name: value for name, value in asdict(self).items() if value})


def filter_of(asked: Mapping[str, str]) -> ItemFilter:
    """The filter in a query string; InvalidInput names a part that cannot be."""
    wanted = ItemFilter(**{name: asked.get(name, "").strip() for name in NAMES})
    for name, value in asdict(wanted).items():
        if len(value) > MAX_VALUE or "\0" in value:
            raise InvalidInput(f"{name}: at most {MAX_VALUE} plain characters.", field=name)
        if value and value not in KNOWN.get(name, (value,)):
            raise InvalidInput(f"{name} must be one of {', '.join(KNOWN[name])}.", field=name)
    if wanted.run and (not wanted.run.isdecimal() or int(wanted.run) > MAX_ID):
        raise InvalidInput("run must be a number.", field="run")
    if wanted.text and len(wanted.text) < MIN_TEXT:
        raise InvalidInput(f"text: at least {MIN_TEXT} characters.", field="text")
    return wanted


def filter_read(query: str) -> ItemFilter:
    """The filter in a stored query string."""
    return filter_of(QueryDict(query).dict())


def items_asked(campaign: Campaign, wanted: ItemFilter) -> QuerySet[Item]:
    """The items that an index finds, by id; sealed ones never."""
    splits = [wanted.split] if wanted.split else list(OPEN_SPLITS)
    rows = Item.objects.filter(benchmark__in=Benchmark.objects.filter(campaign=campaign), split__in=splits)
    named = {"benchmark__name": wanted.benchmark, "skill": wanted.skill, "image_type": wanted.image_type}
    return rows.filter(**{name: value for name, value in named.items() if value}).order_by("pk")


def items_fitting(rows: QuerySet[Item], campaign: Campaign, wanted: ItemFilter) -> QuerySet[Item]:
    """Those of ``rows`` that fit the costly parts of the filter too."""
    runs = AnswerRun.objects.filter(campaign=campaign, pk=int(wanted.run)) if wanted.run else None
    said = Verdict.objects.filter(answer__item=OuterRef("pk"))
    if runs is not None:
        rows = rows.filter(Exists(RunItem.objects.filter(item=OuterRef("pk"), run__in=runs)))
        said = said.filter(answer__run__in=runs)
    if wanted.verdict:
        rows = rows.filter(Exists(said.filter(judge="rule", strict=wanted.verdict)))
    if wanted.disagreement:
        rows = rows.filter(Exists(disagreeing(said, wanted.disagreement)))
    if wanted.text:
        text = wanted.text
        rows = rows.filter(Q(question__icontains=text) | Q(answer__icontains=text) | Q(index__icontains=text))
    return rows


def disagreeing(said: QuerySet[Verdict], kind: str) -> QuerySet[Verdict]:
    """Verdicts that are right in one way and wrong in another: strict and lenient, or by two judges."""
    if kind == "strictness":
        return said.filter(judge="rule").exclude(strict=F("lenient"))
    others = Verdict.objects.filter(answer=OuterRef("answer")).exclude(judge=OuterRef("judge"))
    return said.exclude(strict="unscored").filter(
        Exists(others.exclude(strict="unscored").exclude(strict=OuterRef("strict")))
    )


def benchmark_names(campaign: Campaign) -> list[str]:
    """The campaign's benchmarks that are whole."""
    whole = Benchmark.objects.filter(campaign=campaign, num_items__gt=0)
    return list(whole.order_by("name").values_list("name", flat=True))


def skill_names(campaign: Campaign) -> list[str]:
    """The skills of items that may be seen."""
    return names_of(campaign, "skill")


def image_types(campaign: Campaign) -> list[str]:
    """The picture types of items that may be seen."""
    return names_of(campaign, "image_type")


def names_of(campaign: Campaign, column: str) -> list[str]:
    """Each value of a column once."""
    seen = items_asked(campaign, ItemFilter())
    return list(seen.order_by(column).values_list(column, flat=True).distinct())
