"""What the campaign's samples page reads: all tries of all its mixtures, those that wait for a person first."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet

from core.errors import InvalidInput
from core.models import Campaign
from core.pages import is_id
from datagen.models import Sample
from datagen.pages import PAGE, REASONS, STATUSES, SampleView, evidence_lines

WAITING = ("held", "rejected")
COLUMNS = {
    "status": "status",
    "reason": "reason",
    "skill": "slot__skill",
    "purpose": "slot__purpose",
    "mixture": "slot__mixture",
}


@dataclass(frozen=True)
class QueueFilter:
    """What to show. An empty status is what waits for a person, ``all`` is every status; elsewhere empty is all."""

    status: str = ""
    reason: str = ""
    skill: str = ""
    purpose: str = ""
    mixture: str = ""

    def statuses(self) -> Sequence[str]:
        """The statuses that are shown."""
        if self.status == "all":
            return STATUSES
        return (self.status,) if self.status else WAITING

    @property
    def is_default(self) -> bool:
        """Whether nothing was chosen."""
        return self == QueueFilter()

    def takes(self, column: str, value: str) -> bool:
        """Whether a sample with this value is shown."""
        if column == "status":
            return value in self.statuses()
        wanted = getattr(self, column)
        return not wanted or value == wanted

    def query_for(self, sample: Sample) -> str:
        """The query string of a sample's page, from which its neighbours are found: they have the same status."""
        wanted = {field.name: getattr(self, field.name) for field in fields(self)}
        return "?" + urlencode({k: v for k, v in wanted.items() if v} | {"status": self.status or sample.status})


@dataclass(frozen=True)
class Facet:
    """One filter: its values with the number of samples that each would show beside the other filters."""

    name: str
    label: str
    chosen: str
    values: Sequence[tuple[str, str, int]]


def filter_of(query: Mapping[str, str]) -> QueueFilter:
    """The filter in a query string; InvalidInput for a status that is none or a mixture that is no number."""
    wanted = QueueFilter(**{name: query.get(name, "") for name in COLUMNS})
    if wanted.status not in ("", "all", *STATUSES):
        raise InvalidInput(f"status must be one of all, {', '.join(STATUSES)}.", field="status")
    if wanted.mixture and not is_id(wanted.mixture):
        raise InvalidInput("mixture must be a number.", field="mixture")
    return wanted


def samples_wanted(campaign: Campaign, wanted: QueueFilter) -> QuerySet[Sample]:
    """The samples that the filter shows, in no order yet."""
    rows = Sample.objects.filter(slot__mixture__campaign=campaign, status__in=wanted.statuses())
    others = {COLUMNS[name]: getattr(wanted, name) for name in ("reason", "skill", "purpose", "mixture")}
    return rows.filter(**{column: value for column, value in others.items() if value})


def rows_after(rows: QuerySet[Sample], after: str, *, field: str = "after") -> QuerySet[Sample]:
    """Samples by status and id, behind the one that ``after`` names (``held.12``)."""
    status, _, pk = after.partition(".")
    if after:
        if not is_id(pk):
            raise InvalidInput(f"{field} must be a status and a number.", field=field)
        rows = rows.filter(Q(status=status, pk__gt=int(pk)) | Q(status__gt=status))
    return rows.order_by("status", "pk")


def cursor_of(sample: Sample) -> str:
    """What the page behind this sample starts after."""
    return f"{sample.status}.{sample.pk}"


def queue_rows(campaign: Campaign, wanted: QueueFilter, after: str) -> list[SampleView]:
    """Up to PAGE + 1 samples in the queue's order."""
    rows = rows_after(samples_wanted(campaign, wanted), after).select_related("slot", "media")
    return [
        SampleView(row, REASONS.get(row.reason, ""), evidence_lines(row.evidence), wanted.query_for(row))
        for row in rows[: PAGE + 1]
    ]


def queue_more(rows: Sequence[SampleView]) -> str:
    """What the next page starts after; empty on the last one."""
    return cursor_of(rows[PAGE - 1].sample) if len(rows) > PAGE else ""


def queue_facets(campaign: Campaign, wanted: QueueFilter) -> list[Facet]:
    """Every filter with its values and numbers, from one query."""
    rows = Sample.objects.filter(slot__mixture__campaign=campaign).order_by()
    counted = rows.values_list(*COLUMNS.values()).annotate(n=Count("pk"))
    table = [(dict(zip(COLUMNS, map(str, values), strict=True)), number) for *values, number in counted]
    return [
        Facet(name, name.capitalize(), getattr(wanted, name), facet_values(name, table, wanted)) for name in COLUMNS
    ]


def facet_values(
    name: str, table: Sequence[tuple[Mapping[str, str], int]], wanted: QueueFilter
) -> list[tuple[str, str, int]]:
    """A filter's values as (value, label, number), most frequent first; ids and statuses in their own order."""
    counts: Counter[str] = Counter()
    for row, number in table:
        if all(wanted.takes(other, row[other]) for other in COLUMNS if other != name):
            counts[row[name]] += number
    if name == "status":
        return [("all", "all", counts.total()), *((one, one, counts[one]) for one in STATUSES if counts[one])]
    if name == "mixture":
        return [(one, f"#{one}", counts[one]) for one in sorted(counts, key=int)]
    return [(value, value.replace("_", " "), number) for value, number in counts.most_common() if value]


def neighbours(campaign: Campaign, wanted: QueueFilter, sample: Sample) -> tuple[int | None, int | None]:
    """The ids of the samples before and after this one that the filter shows; two queries."""
    rows = samples_wanted(campaign, wanted)
    before = rows.filter(pk__lt=sample.pk).order_by("-pk").values_list("pk", flat=True).first()
    after = rows.filter(pk__gt=sample.pk).order_by("pk").values_list("pk", flat=True).first()
    return before, after
