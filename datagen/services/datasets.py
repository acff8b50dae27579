"""Accepted samples become an immutable dataset: a parquet file and a manifest, both named by content."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings

from core.access import audit, require
from core.domain.answers import EXTRACTOR_VERSION
from core.domain.files import hash_bytes, hash_file, write_atomic
from core.domain.prompts import PROMPT_VERSION
from core.errors import ShortOfSamples
from core.jobs.context import JobContext
from core.models import ModelCall
from datagen.agents.requests import VERSIONS, system_prompt
from datagen.models import Dataset, Mixture, Sample, Slot
from datagen.parquet import TrainingRow, parquet_write
from datagen.sample_streams import samples_chunked
from datagen.selectors import sample_counts
from datagen.tries import mixture_lock

MANIFEST_VERSION = 1


@dataclass(frozen=True)
class Entry:
    """What a manifest says of a sample, and the run that graded it."""

    facts: list[Any]
    answer_run: str


def dataset_build(context: JobContext, mixture: Mixture) -> Dataset:
    """The mixture's dataset; made once. ShortOfSamples says which skill lacks how many, and why."""
    require(context.job.actor, "research", mixture.campaign)
    known = Dataset.objects.filter(mixture=mixture).first()
    if known:
        return known
    places = places_of(mixture)
    require_enough(mixture, len(places))
    manifest, path = files_write(context, mixture, places)
    with context.writing():
        mixture_lock(mixture.pk)
        if places_of(mixture) == places:
            return dataset_create(context, mixture, manifest, path)
    return dataset_build(context, mixture)  # a person decided about a sample meanwhile


def dataset_create(context: JobContext, mixture: Mixture, manifest: dict[str, Any], path: Path) -> Dataset:
    """The row of a dataset whose files lie on the disk, with its audit event."""
    dataset = Dataset.objects.create(
        campaign=mixture.campaign,
        mixture=mixture,
        manifest_hash=path.stem,
        file_hash=manifest["file"],
        path=str(path),
        num_samples=len(manifest["samples"]),
        manifest=manifest,
    )
    audit(context.job.actor, "dataset.built", dataset, campaign=mixture.campaign, manifest_hash=path.stem)
    return dataset


def places_of(mixture: Mixture) -> list[tuple[int, int]]:
    """What the dataset is made of: accepted samples in slot order, each with the slot that it stands in."""
    accepted = Sample.objects.filter(slot__mixture=mixture, status="accepted")
    return list(accepted.order_by("slot__index").values_list("pk", "slot_id"))


def files_write(context: JobContext, mixture: Mixture, places: list[tuple[int, int]]) -> tuple[dict[str, Any], Path]:
    """The manifest, and the parquet file named by the manifest's hash, with the manifest beside it; both whole."""
    folder = Path(settings.DATASETS_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    entries: list[Entry] = []
    with TemporaryDirectory(dir=folder, prefix=".building-") as building:
        draft = Path(building) / "dataset.parquet"
        parquet_write(draft, rows_listed(mixture, places, entries), context.beat)
        manifest = manifest_of(mixture, entries, hash_file(draft, context.beat))
        path = folder / f"{hash_bytes(canonical(manifest))}.parquet"
        flush(draft)
        draft.replace(path)
    write_atomic(path.with_suffix(".json"), canonical(manifest))
    return manifest, path


def rows_listed(mixture: Mixture, places: list[tuple[int, int]], entries: list[Entry]) -> Iterator[TrainingRow]:
    """Each sample as the trainer gets it; what the manifest says of it is added to ``entries``."""
    for chunk in samples_chunked([pk for pk, _ in places]):
        for sample in chunk:
            row = training_row(mixture, sample)
            facts = [row.sample_id, row.image, sample.slot.index, sample.try_ix, sample.num_correct, sample.num_scored]
            entries.append(Entry(facts, str(sample.evidence.get("answer_run", ""))))
            yield row


def flush(path: Path) -> None:
    """Bring a file's bytes to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def require_enough(mixture: Mixture, num_accepted: int) -> None:
    """Go on with enough samples; a shortfall is a table, never a silence."""
    share = mixture.campaign.config.generation.min_accept_share
    if num_accepted and num_accepted >= share * mixture.total:
        return
    lines = [f"{row['skill']}: {row['got']} of {row['wanted']} ({row['reasons']})" for row in shortfall(mixture)]
    head = f"{num_accepted} of {mixture.total} samples were accepted; {share:.0%} are needed."
    raise ShortOfSamples("\n".join([head, *lines]))


def shortfall(mixture: Mixture) -> list[dict[str, Any]]:
    """Every skill that lacks samples: wanted, got, and how often each reason struck."""
    wanted: Counter[str] = Counter(Slot.objects.filter(mixture=mixture).values_list("skill", flat=True))
    lost: dict[str, Counter[str]] = {skill: Counter() for skill in wanted}
    got: Counter[str] = Counter()
    samples = Sample.objects.filter(slot__mixture=mixture).values_list("slot__skill", "status", "reason")
    for skill, status, reason in samples.iterator():
        if status == "accepted":
            got[skill] += 1
        else:
            lost[skill][reason or status] += 1
    return [
        {"skill": skill, "wanted": wanted[skill], "got": got[skill], "reasons": reasons_text(lost[skill])}
        for skill in sorted(wanted)
        if got[skill] < wanted[skill]
    ]


def reasons_text(reasons: Counter[str]) -> str:
    """Reasons with their counts, most frequent first."""
    ranked = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{reason} {count}" for reason, count in ranked) or "nothing was tried"


def training_row(mixture: Mixture, sample: Sample) -> TrainingRow:
    """One accepted sample as the trainer gets it; its id is made of its content."""
    image = str(sample.media_id)
    content = canonical([image, sample.question, sample.options, sample.answer, sample.answer_type])
    return TrainingRow(
        image=image,
        question=sample.question,
        options=sample.options,
        solution=sample.answer,
        answer_type=sample.answer_type,
        skill=sample.slot.skill,
        purpose=sample.slot.purpose,
        sample_id=hash_bytes(content)[:32],
        mixture_hash=mixture.manifest_hash,
    )


def manifest_of(mixture: Mixture, entries: list[Entry], file_hash: str) -> dict[str, Any]:
    """All that made this dataset, by content; no keys of rows, no clock, no paths."""
    return {
        "version": MANIFEST_VERSION,
        "file": file_hash,
        "mixture": mixture.manifest_hash,
        "policy": mixture.policy,
        "seed": mixture.seed,
        "campaign_seed": mixture.campaign.seed,
        "agents": agents_of(mixture),
        "prompts": {version: hash_bytes(system_prompt(version)) for version in VERSIONS.values()},
        "answer_prompt": PROMPT_VERSION,
        "extractor": EXTRACTOR_VERSION,
        "answer_runs": sorted({entry.answer_run for entry in entries}),
        "counts": sample_counts(mixture),
        "samples": [entry.facts for entry in entries],
        "shortfall": shortfall(mixture),
    }


def agents_of(mixture: Mixture) -> list[list[str]]:
    """Which model or tool played which role in which version."""
    calls = ModelCall.objects.filter(campaign=mixture.campaign, subject__startswith=mixture.manifest_hash[:12])
    found = calls.filter(status="answered").values_list("role", "endpoint__model", "tool", "prompt_version")
    return sorted([role, model or tool, version] for role, model, tool, version in found.order_by().distinct())


def canonical(value: Any) -> str:
    """JSON with one spelling."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
