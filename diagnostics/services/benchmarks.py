"""Benchmarks come in from files of many formats: all of a file or nothing, once, and on after a kill."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.models import User

from core.access import audit, require
from core.domain.files import hash_bytes
from core.errors import InvalidInput, WrongState
from core.jobs.context import JobContext
from core.jobs.services import JobRequest, job_submit
from core.media_staging import staging_of
from core.models import Campaign, Job
from diagnostics.benchmark_file import BenchmarkFile, benchmark_file
from diagnostics.import_report import ImportReport, import_report
from diagnostics.item_spool import item_spool
from diagnostics.models import Benchmark
from diagnostics.services.item_writer import items_write
from diagnostics.survey import Kept, Survey, survey_file


def benchmark_submit(
    *,
    actor: User,
    campaign: Campaign,
    name: str,
    path: str,
    format: str = "",
    columns: Mapping[str, str] | None = None,
) -> Job:
    """A job that imports the file; a path outside the import folders is refused here and now."""
    require(actor, "research", campaign)
    spec = file_spec(benchmark_file(path, format=format, columns=columns), format)
    key = hash_bytes(json.dumps([campaign.pk, name, *spec.values()]))
    request = JobRequest("benchmark_import", {"name": name, **spec}, dedup_key=f"benchmark {key}")
    return job_submit(actor=actor, campaign=campaign, request=request)


def benchmark_check_submit(
    *, actor: User, campaign: Campaign, path: str, format: str = "", columns: Mapping[str, str] | None = None
) -> Job:
    """A job that only looks: its result is the report on the file, and nothing is stored."""
    require(actor, "research", campaign)
    spec = file_spec(benchmark_file(path, format=format, columns=columns), format)
    key = hash_bytes(json.dumps([campaign.pk, *spec.values()]))
    request = JobRequest("benchmark_check", spec, dedup_key=f"benchmark check {key}")
    return job_submit(actor=actor, campaign=campaign, request=request)


def file_spec(file: BenchmarkFile, format: str) -> dict[str, Any]:
    """What a job must know to find and read the file; only what was said."""
    said = {"format": format, "columns": dict(file.origin.columns)}
    return {"path": str(file.origin.path), **{name: value for name, value in said.items() if value}}


def benchmark_check(context: JobContext, *, campaign: Campaign, file: BenchmarkFile) -> ImportReport:
    """The report of a dry run: every row and every picture is looked at, nothing is written."""
    require(context.job.actor, "research", campaign)
    survey = survey_file(file, file.origin.path.stem[:80], rows_progress(context))
    return import_report(file, survey)


def benchmark_import(context: JobContext, *, campaign: Campaign, name: str, file: BenchmarkFile) -> Benchmark:
    """The benchmark with all its items. The same file again changes nothing, another under this name is WrongState."""
    require(context.job.actor, "research", campaign)
    file_hash = file.content_hash(context.beat)
    seen = Benchmark.objects.filter(campaign=campaign, name=name).first()
    if seen:
        same_file(seen, file_hash)
    if seen and seen.num_items:
        return seen
    try:
        benchmark = benchmark_bring(context, Benchmark(campaign=campaign, name=name, file_hash=file_hash), file)
    except InvalidInput:
        staging_of(context.job).remove()
        raise
    staging_of(context.job).remove()
    return benchmark


def benchmark_bring(context: JobContext, wanted: Benchmark, file: BenchmarkFile) -> Benchmark:
    """Check everything, then write everything."""
    staging = staging_of(context.job)
    with item_spool(staging.folder) as spool:
        kept = Kept(staging, spool)
        survey = survey_file(file, wanted.name, rows_progress(context), kept)
        if survey.problems.total:
            raise InvalidInput(survey.problems.sentence(), field="path")
        benchmark = benchmark_row(context, wanted)
        items_write(context, benchmark, kept, survey)
    return close(context, benchmark, survey)


def benchmark_row(context: JobContext, wanted: Benchmark) -> Benchmark:
    """The benchmark's row, made by this import or by a rival of the same file."""
    with context.writing():
        defaults = {"file_hash": wanted.file_hash}
        benchmark, _ = Benchmark.objects.get_or_create(campaign=wanted.campaign, name=wanted.name, defaults=defaults)
        same_file(benchmark, wanted.file_hash)
    return benchmark


def rows_progress(context: JobContext) -> Callable[[int], None]:
    """Shows how many rows were checked; how many there are is not known yet."""
    return lambda done: context.progress(done, done + 1, "rows checked")


def same_file(benchmark: Benchmark, file_hash: str) -> None:
    """Go on only when the benchmark comes from this very file."""
    if benchmark.file_hash != file_hash:
        raise WrongState(f"A benchmark {benchmark.name!r} from another file exists; give this one another name.")


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
