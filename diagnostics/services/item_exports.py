"""Items with all their answers and verdicts as a file, made by a job: one line a verdict."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User

from core.access import audit, require
from core.csv_lines import csv_lines
from core.domain.files import hash_bytes, temporary_beside
from core.errors import InvalidInput, NotFound
from core.jobs.context import JobContext
from core.jobs.services import JobRequest, job_submit
from core.models import Campaign, Job
from diagnostics.item_list_page import EXPORT_KIND, exports_newest
from diagnostics.models import Answer, Item
from diagnostics.selectors.item_filters import ItemFilter, filter_read, items_asked, items_fitting

CHUNK = 200
KEPT_S = 7 * 24 * 3600
COLUMNS = (
    *("item", "benchmark", "index", "split", "skill", "image_type", "answer_type", "question", "options", "gold"),
    *("run", "checkpoint", "sample", "answer", "finish"),
    *("judge", "extractor", "extracted", "strict", "lenient", "detail"),
)
Line = list[str]


def json_lines(lines: Sequence[Line]) -> bytes:
    """Lines as JSONL, a column a key."""
    return "".join(json.dumps(dict(zip(COLUMNS, line, strict=True))) + "\n" for line in lines).encode()


FORMATS: dict[str, tuple[str, Callable[[Sequence[Line]], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", csv_lines),
    "jsonl": ("application/x-ndjson", json_lines),
}


def items_export_submit(*, actor: User, campaign: Campaign, query: str, format: str) -> Job:
    """A job that writes the items of the filter in ``query`` into a file; the same one again while it waits or runs."""
    require(actor, "research", campaign)
    if format not in FORMATS:
        raise InvalidInput(f"format: choose one of {', '.join(FORMATS)}.", field="format")
    spec = {"query": filter_read(query).query, "format": format}
    key = hash_bytes(json.dumps([campaign.pk, *spec.values()]))
    return job_submit(
        actor=actor, campaign=campaign, request=JobRequest(EXPORT_KIND, spec, dedup_key=f"items export {key}")
    )


def items_export(context: JobContext, campaign: Campaign) -> dict[str, object]:
    """Write the file, whole or not at all; how many items and lines it has."""
    require(context.job.actor, "research", campaign)
    wanted, (_, write) = filter_read(context.spec["query"]), FORMATS[context.spec["format"]]
    path = export_path(context.job)
    handle, temporary = temporary_beside(path)
    num_items = num_lines = 0
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(csv_lines([COLUMNS]) if write is csv_lines else b"")
            for items in items_chunked(campaign, wanted):
                lines = list(lines_of(items, wanted))
                file.write(write(lines))
                num_items, num_lines = num_items + len(items), num_lines + len(lines)
                context.progress(num_items, 0, "items", force=True)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    old_exports_clear(campaign)
    with context.writing():
        audit(context.job.actor, "items.exported", context.job, campaign=campaign, items=num_items)
    return {"items": num_items, "lines": num_lines}


def old_exports_clear(campaign: Campaign) -> None:
    """Remove the files of exports of over KEPT_S ago that the page lists no more; a filter makes each again."""
    listed, before = {str(job.pk) for job in exports_newest(campaign)}, time.time() - KEPT_S
    for path in (Path(settings.EXPORTS_ROOT) / str(campaign.pk)).iterdir():
        if path.stem.isdigit() and path.stem not in listed and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)


def items_chunked(campaign: Campaign, wanted: ItemFilter) -> Iterator[list[Item]]:
    """All items that fit, CHUNK at a time."""
    fitting = items_fitting(items_asked(campaign, wanted), campaign, wanted).select_related("benchmark")
    last = 0
    while items := list(fitting.filter(pk__gt=last)[:CHUNK]):
        yield items
        last = items[-1].pk


def lines_of(items: Sequence[Item], wanted: ItemFilter) -> Iterator[Line]:
    """A line a verdict; an answer without one, and an item without answers, have a line of their own."""
    found = Answer.objects.filter(item__in=items).select_related("run__checkpoint").prefetch_related("verdicts")
    found = found.filter(run=int(wanted.run)) if wanted.run else found
    answers: dict[int, list[Answer]] = {item.pk: [] for item in items}
    for answer in found.order_by("run_id", "sample_ix"):
        answers[answer.item_id].append(answer)
    for item in items:
        head = item_cells(item)
        said = [cells for answer in answers[item.pk] for cells in answer_cells(answer)]
        yield from ([*head, *cells] for cells in said or [[""] * (len(COLUMNS) - len(head))])


def item_cells(item: Item) -> Line:
    """What was asked."""
    place = [str(item.pk), item.benchmark.name, item.index, item.split, item.skill, item.image_type, item.answer_type]
    return [*place, item.question, json.dumps(item.options) if item.options else "", item.answer]


def answer_cells(answer: Answer) -> Iterator[Line]:
    """What was answered, once for every verdict."""
    head = [str(answer.run_id), answer.run.checkpoint.name, str(answer.sample_ix + 1), answer.text, answer.finish]
    names = ("judge", "extractor_version", "extracted", "strict", "lenient", "detail")
    verdicts = sorted(answer.verdicts.all(), key=lambda row: row.pk)
    yield from ([*head, *(getattr(row, name) for name in names)] for row in verdicts)
    if not verdicts:
        yield [*head, *([""] * len(names))]


def export_path(job: Job) -> Path:
    """Where the job's file lies."""
    return Path(settings.EXPORTS_ROOT) / str(job.campaign_id) / f"{job.pk}.{job.spec['format']}"


def export_open(campaign: Campaign, pk: int) -> Job:
    """An export of this campaign whose file is there; NotFound else."""
    job = Job.objects.filter(campaign=campaign, kind=EXPORT_KIND, status="succeeded", pk=pk).first()
    if job is None or not export_path(job).is_file():
        raise NotFound(f"There is no export {pk} in {campaign.name}: it is not done, or its file was cleared away.")
    return job
