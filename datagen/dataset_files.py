"""A dataset's files as downloads: what was built, and the same samples in the columns that other tools read."""

import json
from collections.abc import Iterator
from pathlib import Path

from django.http import StreamingHttpResponse

from core.errors import NotFound
from core.streams import download, file_pieces
from datagen.models import Dataset, Sample
from datagen.parquet_formats import FIELDS, parquet_as

FORMATS = {
    "parquet": "TRL, as trained on, pictures inside",
    "manifest": "all that made it, by hash",
    "easyr1": "EasyR1's columns, parquet, pictures inside",
    "verl": "verl's columns, parquet, pictures inside",
    "jsonl": "the paper's samples, a line each, pictures by address",
}
BATCH = 200


def dataset_download(dataset: Dataset, kind: str) -> StreamingHttpResponse:
    """The dataset in one of FORMATS; NotFound for another format, and where its file is gone."""
    name = f"dataset-{dataset.manifest_hash[:12]}"
    if kind == "jsonl":
        return download(sample_lines(dataset), name=f"{name}.jsonl", mime="application/x-ndjson")
    if kind not in FORMATS:
        raise NotFound(f"There is no format {kind!r}; there are {', '.join(FORMATS)}.")
    suffix, mime = (".json", "application/json") if kind == "manifest" else (".parquet", "application/octet-stream")
    path = Path(dataset.path).with_suffix(suffix)
    if not path.is_file():
        raise NotFound(f"The file of this dataset that {kind} is made from is not on this machine.")
    if kind in FIELDS:
        return download(parquet_as(path, kind), name=f"{name}-{kind}.parquet", mime=mime)
    return download(file_pieces(path), name=f"{name}{suffix}", mime=mime, size=path.stat().st_size)


def sample_lines(dataset: Dataset) -> Iterator[bytes]:
    """The samples in the order of the file, as the paper's scripts write them, batch by batch."""
    entries = dataset.manifest.get("samples", [])
    for start in range(0, len(entries), BATCH):
        batch = entries[start : start + BATCH]
        slots = [slot for _, _, slot, *_ in batch]
        rows = Sample.objects.filter(slot__mixture=dataset.mixture_id, slot__index__in=slots).select_related("slot")
        found = {(row.slot.index, row.try_ix): row for row in rows}
        yield "".join(
            sample_line(found[slot, try_ix], right, scored)
            for _, _, slot, try_ix, right, scored in batch
            if (slot, try_ix) in found
        ).encode()


def sample_line(sample: Sample, num_correct: int | None, num_scored: int | None) -> str:
    """One sample with the paper's keys; options stand in the question, as its trainer expects them."""
    options = [f"{letter}. {text}" for letter, text in sample.options.items() if text]
    line = {
        "question_type": sample.slot.question_type,
        "image_type": sample.slot.image_type,
        "question": "\n".join([sample.question, *options]),
        "answer": sample.answer,
        "image": f"/media/{sample.media_id}",
        "score": num_correct / num_scored if num_correct is not None and num_scored else None,
        "skill": sample.slot.skill,
    }
    return json.dumps(line, ensure_ascii=False) + "\n"
