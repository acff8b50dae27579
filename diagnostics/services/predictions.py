"""Predictions made elsewhere come in as a complete answer run, graded and diagnosed like our own, without inference."""

import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from django.contrib.auth.models import User

from core.access import audit, require
from core.domain.answers import EXTRACTOR_VERSION
from core.domain.files import hash_bytes, hash_file
from core.errors import InvalidInput
from core.jobs.context import JobContext
from core.jobs.services import JobRequest, job_submit
from core.models import Campaign, Job
from diagnostics.formats.predictions import prediction_rows
from diagnostics.formats.row import printable
from diagnostics.import_paths import import_path
from diagnostics.models import Answer, AnswerRun, Benchmark, Checkpoint, RunItem
from diagnostics.prediction_join import Join, join_predictions
from diagnostics.services.ingest import CHUNK, PAUSE_S, chunks, verdicts_store

SPLITS = ("probe", "gate")  # sealed items are opened once a campaign, and not by a file from elsewhere
ENGINE = "imported"


def predictions_submit(
    *, actor: User, campaign: Campaign, benchmark: str, checkpoint_name: str, path: str, split: str = "probe"
) -> Job:
    """A job that imports the file; what can be refused at once is."""
    require(actor, "research", campaign)
    benchmark_named(campaign, benchmark)
    spec = {"benchmark": benchmark, "checkpoint_name": checkpoint_name, "path": str(file_named(path)), "split": split}
    if split not in SPLITS:
        raise InvalidInput(f"split: {split[:20]!r} is none of {', '.join(SPLITS)}.", field="split")
    key = hash_bytes(json.dumps([campaign.pk, *spec.values()]))
    return job_submit(
        actor=actor, campaign=campaign, request=JobRequest("predictions_import", spec, dedup_key=f"predictions {key}")
    )


def predictions_import(
    context: JobContext,
    *,
    campaign: Campaign,
    benchmark: str,
    checkpoint_name: str,
    path: str,
    split: str = "probe",
) -> AnswerRun:
    """A complete, graded run of the file's answers to items of ``split``; its ``result`` has the report of the join.

    The same file again is the same run. InvalidInput when not one row joins.
    """
    require(context.job.actor, "research", campaign)
    file, bank = file_named(path), benchmark_named(campaign, benchmark)
    spec = {"engine": ENGINE, "benchmark": benchmark, "file_hash": hash_file(file, context.beat), "file": file.name}
    checkpoint = imported_checkpoint(context, campaign, checkpoint_name)
    spec["checkpoint_hash"] = checkpoint.content_hash
    run = AnswerRun.objects.filter(checkpoint=checkpoint, split=split, spec=spec).first()
    if run and run.is_complete:
        return run
    join = join_predictions(bank, split, prediction_rows(file))
    if not join.rows:
        raise InvalidInput(f"path: none of {join.num_rows} rows answers a {split} item of {benchmark}.", field="path")
    run = run or run_create(context, AnswerRun(campaign=campaign, checkpoint=checkpoint, split=split, spec=spec), join)
    answers_store(context, run, join, file)
    verdicts_store(context, run)
    return run_close(context, run)


def file_named(path: str) -> Path:
    """The file of predictions, below the import folders."""
    file = import_path(path)
    if not file.is_file():
        raise InvalidInput(f"path: {path} is no file.", field="path")
    return file


def benchmark_named(campaign: Campaign, name: str) -> Benchmark:
    """The campaign's benchmark of that name, if its import is complete."""
    found = Benchmark.objects.filter(campaign=campaign, name=name, num_items__gt=0).first()
    if found is None:
        raise InvalidInput(f"benchmark: this campaign has no benchmark {name[:60]!r} yet.", field="benchmark")
    return found


def imported_checkpoint(context: JobContext, campaign: Campaign, name: str) -> Checkpoint:
    """The checkpoint without a folder that stands for a model elsewhere; the same name is the same model."""
    content_hash = hash_bytes(f"predictions of {name}")
    with context.writing():
        row, is_new = Checkpoint.objects.get_or_create(
            campaign=campaign, content_hash=content_hash, defaults={"name": name, "path": ""}
        )
        if is_new:
            audit(context.job.actor, "checkpoint.named", row, campaign=campaign, content_hash=content_hash)
    return row


def run_create(context: JobContext, run: AnswerRun, join: Join) -> AnswerRun:
    """The run's row with the items that were answered, in the order of the benchmark."""
    items = sorted(join.num_texts)
    run.label = f"{ENGINE}: {run.checkpoint.name}, {run.spec['benchmark']}"[:120]
    run.num_items, run.num_answers, run.result = len(items), join.num_answers, {"join": join.report()}
    with context.writing():
        run.save()
        rows = [RunItem(run=run, item_id=item, position=place) for place, item in enumerate(items)]
        RunItem.objects.bulk_create(rows, batch_size=CHUNK)
        audit(context.job.actor, "predictions.imported", run, campaign=run.campaign, items=run.num_items, **run.spec)
    return run


def answers_store(context: JobContext, run: AnswerRun, join: Join, file: Path) -> None:
    """Write the answers that are not stored yet."""
    known = set(run.answers.values_list("item_id", "sample_ix"))
    for answers in chunks(new_answers(run, join, file, known)):
        with context.writing():
            Answer.objects.bulk_create(answers)
        context.progress(len(known), run.num_items * run.num_answers, "answers stored")
        time.sleep(PAUSE_S)
    if len(known) != run.num_items * run.num_answers:
        raise InvalidInput("path: the file changed while it was imported.", field="path")


def new_answers(run: AnswerRun, join: Join, file: Path, known: set[tuple[int, int]]) -> Iterator[Answer]:
    """The joined rows' answers whose (item, sample_ix) is not in ``known``, which grows."""
    for prediction in prediction_rows(file):
        item_id = join.rows.get(prediction.row)
        texts = prediction.texts if item_id is not None else ()
        for sample_ix, text in enumerate(islice(texts, run.num_answers)):
            if item_id is not None and (item_id, sample_ix) not in known:
                known.add((item_id, sample_ix))
                facts = {"sample_ix": sample_ix, "num_tokens": 0, "finish": "stop"}
                yield Answer(run=run, item_id=item_id, text=printable(text), **facts)


def run_close(context: JobContext, run: AnswerRun) -> AnswerRun:
    """The run, complete from now on."""
    with context.writing():
        result = {**run.result, "extractor_version": EXTRACTOR_VERSION}
        if AnswerRun.objects.filter(pk=run.pk, is_complete=False).update(is_complete=True, result=result):
            audit(context.job.actor, "answer_run.completed", run, campaign=run.campaign)
    run.refresh_from_db()
    return run
