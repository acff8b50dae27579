"""What the dataset pages show: all datasets of a campaign, and one from its manifest, which never changes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from core.errors import NotFound
from core.models import Campaign
from datagen.models import Dataset, MixtureRow, Sample, Slot
from diagnostics.figures import across

PAGE = 24
LINES = 25


@dataclass(frozen=True)
class Entry:
    """One sample as the manifest names it: by content, place and try, with the parent's right answers."""

    sample_id: str
    image: str
    slot: int
    try_ix: int
    num_correct: int | None
    num_scored: int | None


@dataclass(frozen=True)
class PartView:
    """One skill's share: what the mixture asked for and what was accepted."""

    row: MixtureRow
    accepted: int
    width: str

    @property
    def lack(self) -> int:
        """Samples that are missing."""
        return max(0, self.row.quota - self.accepted)


@dataclass(frozen=True)
class Bin:
    """One column of the difficulty histogram: how many samples the parent got right ``label`` times."""

    label: str
    number: int
    x: str
    y: str
    height: str
    width: str
    middle: str


@dataclass(frozen=True)
class EntryView:
    """An entry with its sample's row; None where a person moved it since."""

    entry: Entry
    sample: Sample | None


def datasets_of(campaign: Campaign) -> QuerySet[Dataset]:
    """The campaign's datasets without their manifests, newest first."""
    rows = campaign.datasets.select_related("mixture").defer("manifest")
    return rows.annotate(num_runs=Count("training_runs")).order_by("-id")


def dataset_of(campaign: Campaign, pk: int) -> Dataset:
    """One dataset of this campaign; NotFound for another campaign's."""
    found = Dataset.objects.filter(campaign=campaign, pk=pk).select_related("mixture").first()
    if found is None:
        raise NotFound(f"There is no dataset {pk} in {campaign.name}.")
    return found


def datasets_context(campaign: Campaign, before: int | None) -> dict[str, Any]:
    """All datasets, newest first; one query."""
    rows = datasets_of(campaign)
    found = list((rows if before is None else rows.filter(pk__lt=before))[: LINES + 1])
    return {"datasets": found[:LINES], "more": found[LINES - 1].pk if len(found) > LINES else None}


def dataset_context(dataset: Dataset, after: int | None) -> dict[str, Any]:
    """One dataset: composition, difficulty, what made it, who trained on it, and a page of its samples."""
    entries = entries_of(dataset)
    shown = [entry for entry in entries if after is None or entry.slot > after][: PAGE + 1]
    return {
        "dataset": dataset,
        "parts": parts_of(dataset, entries),
        "bins": bins_of(entries),
        "runs": list(dataset.training_runs.select_related("parent", "child").order_by("-id")[:LINES]),
        "entries": entry_views(dataset, shown[:PAGE]),
        "more": shown[PAGE - 1].slot if len(shown) > PAGE else None,
        **manifest_context(dataset.manifest),
    }


def entries_of(dataset: Dataset) -> list[Entry]:
    """The manifest's samples in the order of their slots."""
    return [Entry(*row) for row in dataset.manifest.get("samples", [])]


def parts_of(dataset: Dataset, entries: Sequence[Entry]) -> list[PartView]:
    """Every row of the mixture with the samples that its slots got, targets first; two queries."""
    skills = dict(Slot.objects.filter(mixture=dataset.mixture_id).values_list("index", "skill"))
    accepted = Counter(skills.get(entry.slot) for entry in entries)
    rows = list(MixtureRow.objects.filter(mixture=dataset.mixture_id).order_by("-purpose", "-quota", "skill"))
    most = max([row.quota for row in rows] + list(accepted.values()), default=1) or 1
    return [PartView(row, accepted[row.skill], across(accepted[row.skill], 0, most)) for row in rows]


def bins_of(entries: Sequence[Entry]) -> list[Bin]:
    """The difficulty histogram: right answers of the parent, of as many as were scored."""
    scored = [entry for entry in entries if entry.num_correct is not None and entry.num_scored]
    if not scored:
        return []
    top = max(entry.num_scored or 0 for entry in scored)
    counts = Counter(round(top * (entry.num_correct or 0) / (entry.num_scored or 1)) for entry in scored)
    most = max(counts.values())
    return [bin_of(number, counts[number], top, most) for number in range(top + 1)]


def bin_of(number: int, count: int, top: int, most: int) -> Bin:
    """One column, as lengths of the drawing."""
    left, size = number / (top + 1), count / most
    return Bin(
        label=str(number),
        number=count,
        x=across(left + 0.1 / (top + 1)),
        y=f"{12 + 78 * (1 - size):.1f}",
        height=f"{78 * size:.1f}",
        width=across(0.8 / (top + 1)),
        middle=across(left + 0.5 / (top + 1)),
    )


def entry_views(dataset: Dataset, entries: Sequence[Entry]) -> list[EntryView]:
    """The entries with their samples; one query."""
    slots = [entry.slot for entry in entries]
    rows = Sample.objects.filter(slot__mixture=dataset.mixture_id, slot__index__in=slots).select_related("slot")
    found = {(row.slot.index, row.try_ix): row for row in rows}
    return [EntryView(entry, found.get((entry.slot, entry.try_ix))) for entry in entries]


def manifest_context(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest as a page tells it: facts, prompts, agents, counts, and what is missing."""
    names = ("version", "policy", "seed", "campaign_seed", "answer_prompt", "extractor")
    counts = manifest.get("counts", {})
    return {
        "facts": [(name, manifest[name]) for name in names if name in manifest],
        "prompts": sorted(manifest.get("prompts", {}).items()),
        "agents": manifest.get("agents", []),
        "answer_runs": [name for name in manifest.get("answer_runs", []) if name],
        "counts": [(name, number) for name, number in counts.items() if isinstance(number, int)],
        "shortfall": manifest.get("shortfall", []),
    }
