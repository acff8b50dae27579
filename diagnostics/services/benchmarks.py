"""Benchmarks come in from VLMEvalKit files: all of a file or nothing, once, and on after a kill."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from django.contrib.auth.models import User

from core.access import audit, require
from core.domain.files import hash_bytes, hash_file, write_atomic
from core.errors import InvalidInput, WrongState
from core.jobs.context import JobContext
from core.jobs.services import JobRequest, job_submit
from core.media import Picture, media_path, media_store, write_thumbnail
from core.models import Campaign, Job
from diagnostics.import_paths import import_path
from diagnostics.item_text import ItemText
from diagnostics.models import Benchmark, Item
from diagnostics.survey import Survey, survey_file, surveyed_pictures, surveyed_rows

CHUNK_ITEMS = 150  # with their media, below 500 rows a transaction
CHUNK_BYTES = 64 << 20
PAUSE_S = 0.02
FILE_THREADS = 4  # they wait for the disk


@dataclass
class Chunk:
    """Items and the pictures that they bring, to be written together."""

    items: list[Item] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether a transaction has enough of it."""
        too_big = sum(len(picture.data) for picture in self.pictures) >= CHUNK_BYTES
        return too_big or max(len(self.items), len(self.pictures)) >= CHUNK_ITEMS

    def distinct_pictures(self) -> list[Picture]:
        """Each picture once, by name: two imports that write the same ones in the same order never deadlock."""
        return sorted({picture.sha256: picture for picture in self.pictures}.values(), key=attrgetter("sha256"))


def benchmark_submit(*, actor: User, campaign: Campaign, name: str, path: str) -> Job:
    """A job that imports the file; a path outside the import folders is refused here and now."""
    require(actor, "research", campaign)
    file = tsv_path(path)
    key = hash_bytes(json.dumps([campaign.pk, name, str(file)]))
    request = JobRequest("benchmark_import", {"name": name, "path": str(file)}, dedup_key=f"benchmark {key}")
    return job_submit(actor=actor, campaign=campaign, request=request)


def benchmark_import(context: JobContext, *, campaign: Campaign, name: str, path: str) -> Benchmark:
    """The benchmark with all its items. The same file again changes nothing, another under this name is WrongState."""
    require(context.job.actor, "research", campaign)
    tsv = tsv_path(path)
    file_hash = hash_file(tsv, context.beat)
    seen = Benchmark.objects.filter(campaign=campaign, name=name).first()
    if seen and seen.file_hash == file_hash and seen.num_items:
        return seen
    if seen:
        same_file(seen, file_hash)
    survey = survey_file(tsv, name, lambda done: context.progress(done, done + 1, "rows checked"))
    with context.writing():
        benchmark, _ = Benchmark.objects.get_or_create(campaign=campaign, name=name, defaults={"file_hash": file_hash})
        same_file(benchmark, file_hash)
    write_items(context, benchmark, tsv, survey)
    return close(context, benchmark, survey)


def tsv_path(path: str) -> Path:
    """The file that an import may read."""
    file = import_path(path)
    if not file.is_file():
        raise InvalidInput(f"path: {path} is no file.", field="path")
    return file


def same_file(benchmark: Benchmark, file_hash: str) -> None:
    """Go on only when the benchmark comes from this very file."""
    if benchmark.file_hash != file_hash:
        raise WrongState(f"A benchmark {benchmark.name!r} from another file exists; give this one another name.")


def write_items(context: JobContext, benchmark: Benchmark, tsv: Path, survey: Survey) -> None:
    """Write what is missing in short transactions; picture files come first, outside of them."""
    written = benchmark.items.count()
    with ThreadPoolExecutor(FILE_THREADS) as pool:
        for chunk in missing_chunks(benchmark, tsv, survey):
            pictures = chunk.distinct_pictures()
            list(pool.map(files_write, pictures))
            with context.writing():
                media_store(benchmark.campaign, pictures)
                Item.objects.bulk_create(chunk.items, ignore_conflicts=True)  # a rival import of the same file
            written += len(chunk.items)
            context.progress(written, survey.num_rows, "items")
            time.sleep(PAUSE_S)


def files_write(picture: Picture) -> None:
    """The picture's files, thumbnail first, so that whoever finds the picture finds both."""
    if not media_path(picture.sha256).exists():
        write_thumbnail(picture)
        write_atomic(media_path(picture.sha256), picture.data)


def missing_chunks(benchmark: Benchmark, tsv: Path, survey: Survey) -> Iterator[Chunk]:
    """The file's rows that are no items yet, in the file's order."""
    known = set(benchmark.items.values_list("index", flat=True))
    chunk = Chunk()
    for text, row in surveyed_rows(tsv, benchmark.name, survey):
        if text.index in known:
            continue
        chunk.items.append(item_of(benchmark, text, survey))
        chunk.pictures += surveyed_pictures(row, tsv, survey)
        if chunk.is_full:
            yield chunk
            chunk = Chunk()
    if chunk.items:
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
    )


def close(context: JobContext, benchmark: Benchmark, survey: Survey) -> Benchmark:
    """Say that the benchmark is whole: until then ``num_items`` is 0 and no run asks its items."""
    if benchmark.items.count() != survey.num_rows:
        raise WrongState(f"{benchmark.name!r} has not as many items as its file has rows; import it again.")
    with context.writing():
        if Benchmark.objects.filter(pk=benchmark.pk, num_items=0).update(num_items=survey.num_rows):
            audit(
                context.job.actor,
                "benchmark.imported",
                benchmark,
                campaign=benchmark.campaign,
                items=survey.num_rows,
                file_hash=benchmark.file_hash,
            )
    benchmark.refresh_from_db()
    return benchmark
