"""What a checkpoint's page says when it holds adapters: their base, their rank, and the merge."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.domain.adapters import ADAPTER_CONFIG, adapter_base, adapter_rank
from core.models import Campaign, Job
from training.domain.serving import adapter_line
from training.folder_json import json_of
from training.selectors.checkpoints import Entry
from training.services.merges import KIND

MAX_JOBS = 50


@dataclass(frozen=True)
class AdapterView:
    """``named`` is the base in the adapters' own words; ``bases`` may be chosen where it is not known here."""

    rank: int
    named: str
    bases: list[tuple[int, str]]
    job: Job | None


def adapter_view(campaign: Campaign, entries: dict[int, Entry], entry: Entry) -> AdapterView | None:
    """The adapters and their newest merge; None for a full checkpoint."""
    row = entry.checkpoint
    if not row.is_adapter:
        return None
    config = config_of(entry)
    whole = [(pk, one.checkpoint.name) for pk, one in entries.items() if not one.checkpoint.lacks]
    return AdapterView(
        rank=adapter_rank(config),
        named=adapter_base(config),
        bases=[] if row.parent_id else whole,
        job=merge_newest(campaign, row.pk),
    )


def merge_newest(campaign: Campaign, pk: int) -> Job | None:
    """The newest job that merges these adapters."""
    jobs = Job.objects.filter(campaign=campaign, kind=KIND).order_by("-id")[:MAX_JOBS]
    return next((job for job in jobs if job.spec["adapter_id"] == pk), None)


def config_of(entry: Entry) -> dict[str, Any]:
    """The adapters' own configuration."""
    return json_of(Path(entry.checkpoint.path) / ADAPTER_CONFIG)


def adapter_serve(base_words: str, name: str, entry: Entry) -> str:
    """The command that serves adapters beside their base; empty where the base cannot be served."""
    return adapter_line(base_words, name, entry.checkpoint.path, adapter_rank(config_of(entry))) if base_words else ""
