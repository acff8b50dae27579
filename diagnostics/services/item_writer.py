"""Checked texts become items in short transactions, after their pictures have reached the disk."""

import json
import time
from collections.abc import Iterator

from django.db import connection

from core.domain.files import hash_bytes
from core.jobs.context import JobContext
from core.media import media_rows_write
from diagnostics.item_spool import ItemSpool
from diagnostics.item_text import ItemText
from diagnostics.models import Benchmark, Item
from diagnostics.survey import Kept, Survey

CHUNK_ITEMS = 150  # with their media, below 500 rows a transaction
CHUNK_ITEMS_SERVER = 1000
PAUSE_S = 0.02


def items_write(context: JobContext, benchmark: Benchmark, kept: Kept, survey: Survey) -> None:
    """Publish the pictures, then write the items that are missing."""
    kept.staging.publish(context.beat)
    written = benchmark.items.count()
    for items in missing_chunks(benchmark, kept.spool, survey):
        with context.writing():
            media_rows_write(benchmark.campaign, {sha: survey.facts[sha] for sha in pictures_of(items)})
            Item.objects.bulk_create(items, ignore_conflicts=True)  # a rival import of the same file
        written += len(items)
        context.progress(written, survey.num_rows, "items")
        if connection.vendor == "sqlite":
            time.sleep(PAUSE_S)  # lets other writers in


def pictures_of(items: list[Item]) -> list[str]:
    """Each picture once, by name: two imports that write the same ones in the same order never deadlock."""
    return sorted({sha for item in items for sha in item.images})


def chunk_size() -> int:
    """How many items a transaction may have: SQLite has one writer, who must be short."""
    return CHUNK_ITEMS if connection.vendor == "sqlite" else CHUNK_ITEMS_SERVER


def missing_chunks(benchmark: Benchmark, spool: ItemSpool, survey: Survey) -> Iterator[list[Item]]:
    """The rows that are no items yet, in the order in which they were checked."""
    known = set(benchmark.items.values_list("index", flat=True))
    chunk: list[Item] = []
    for text in spool.texts():
        if text.index not in known:
            chunk.append(item_of(benchmark, text, survey))
        if len(chunk) == chunk_size():
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def item_of(benchmark: Benchmark, text: ItemText, survey: Survey) -> Item:
    """The item's row, its content named by pictures, question, options and answer."""
    images = list(survey.images[text.index])
    content = json.dumps([images, text.question, text.options, text.answer])
    return Item(
        benchmark=benchmark,
        index=text.index,
        content_hash=hash_bytes(content),
        images=images,
        cluster=survey.cluster(text.index),
        question=text.question,
        hint=text.hint,
        options=text.options,
        answer=text.answer,
        answer_type=text.answer_type,
        skill=text.skill,
        image_type=text.image_type,
        split=survey.split(text.index),
        doc_hash=text.doc_hash,
    )
