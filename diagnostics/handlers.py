"""What a job of this app does: find its rows, call one service, answer with ids and sizes."""

from typing import Any

from core.jobs.context import JobContext
from core.models import Campaign
from diagnostics.benchmark_file import BenchmarkFile, benchmark_file
from diagnostics.checkpoint_folder import checkpoint_inspect
from diagnostics.models import AnswerRun
from diagnostics.selectors.rulings import judging_of
from diagnostics.services.answer_runs import answer_run_execute
from diagnostics.services.benchmarks import benchmark_check, benchmark_import
from diagnostics.services.checkpoints import checkpoint_save
from diagnostics.services.item_exports import items_export
from diagnostics.services.judging import judging_run
from diagnostics.services.predictions import predictions_import
from diagnostics.services.reports import report_create


def checkpoint_register_job(context: JobContext) -> dict[str, Any]:
    """Check and hash a checkpoint's folder, then register it."""
    facts = checkpoint_inspect(context.spec["path"], tick=context.beat)
    with context.writing():
        checkpoint = checkpoint_save(
            actor=context.job.actor, campaign=campaign_of(context), name=context.spec["name"], facts=facts
        )
    return {"checkpoint_id": checkpoint.pk}


def benchmark_import_job(context: JobContext) -> dict[str, Any]:
    """Import a benchmark's file."""
    name, file = context.spec["name"], file_of(context)
    benchmark = benchmark_import(context, campaign=campaign_of(context), name=name, file=file)
    return {"benchmark_id": benchmark.pk, "items": benchmark.num_items}


def benchmark_check_job(context: JobContext) -> dict[str, Any]:
    """Look at a benchmark's file and tell what an import would find."""
    return {"report": benchmark_check(context, campaign=campaign_of(context), file=file_of(context))}


def predictions_import_job(context: JobContext) -> dict[str, Any]:
    """Bring predictions in, grade them, and freeze the report on them."""
    run = predictions_import(context, campaign=campaign_of(context), **context.spec)
    report = report_create(context, run)
    return {"run_id": run.pk, "report_id": report.pk, "items": run.num_items, "join": run.result["join"]}


def file_of(context: JobContext) -> BenchmarkFile:
    """The file that the job's spec names, read as the spec says."""
    spec = context.spec
    return benchmark_file(spec["path"], format=spec.get("format", ""), columns=spec.get("columns"))


def answer_run_job(context: JobContext) -> dict[str, Any]:
    """Let a checkpoint answer the items of a run."""
    run = run_of(context)
    answer_run_execute(context, run)
    return {"run_id": run.pk, "items": run.num_items, "answers": run.num_items * run.num_answers}


def report_job(context: JobContext) -> dict[str, Any]:
    """Freeze the report on a complete run."""
    return {"report_id": report_create(context, run_of(context)).pk}


def judging_job(context: JobContext) -> dict[str, Any]:
    """Judge a complete run anew."""
    judging = judging_of(campaign_of(context), context.spec["judging_id"])
    result = judging_run(context, judging)
    return {"judging_id": judging.pk, **{name: value for name, value in result.items() if name != "skills"}}


def items_export_job(context: JobContext) -> dict[str, Any]:
    """Write items with their answers into a file."""
    return items_export(context, campaign_of(context))


def run_of(context: JobContext) -> AnswerRun:
    """The run that the job's spec names, in the job's own campaign."""
    runs = AnswerRun.objects.select_related("campaign", "checkpoint")
    return runs.get(pk=context.spec["run_id"], campaign=context.job.campaign)


def campaign_of(context: JobContext) -> Campaign:
    """The job's campaign; these kinds have one always."""
    assert context.job.campaign is not None
    return context.job.campaign
