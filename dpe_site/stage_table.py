"""What each kind of job does, and what follows from its success: the only place that knows all apps."""

from core.jobs.engine import Handler
from datagen.handlers import (
    dataset_build_job,
    difficulty_job,
    generate_job,
    mixture_propose_job,
    pool_import_job,
    quality_job,
)
from diagnostics.handlers import (
    answer_run_job,
    benchmark_check_job,
    benchmark_import_job,
    checkpoint_register_job,
    items_export_job,
    judging_job,
    predictions_import_job,
    report_job,
)
from training.handlers import checkpoint_merge_job, evaluate_job, gate_job, preflight_job, train_job
from training.services.launches import preflight_then
from training.services.rounds import stage_then

HANDLERS: dict[str, Handler] = {
    "checkpoint_register": Handler(checkpoint_register_job),
    "checkpoint_merge": Handler(checkpoint_merge_job),
    "benchmark_import": Handler(benchmark_import_job),
    "benchmark_check": Handler(benchmark_check_job),
    "judging": Handler(judging_job),
    "predictions_import": Handler(predictions_import_job),
    "items_export": Handler(items_export_job),
    "pool_import": Handler(pool_import_job),
    "answer_run": Handler(answer_run_job, stage_then),
    "report": Handler(report_job, stage_then),
    "mixture_propose": Handler(mixture_propose_job, stage_then),
    "generate": Handler(generate_job, stage_then),
    "quality": Handler(quality_job, stage_then),
    "difficulty": Handler(difficulty_job, stage_then),
    "dataset_build": Handler(dataset_build_job, stage_then),
    "preflight": Handler(preflight_job, preflight_then),
    "train": Handler(train_job, stage_then),
    "evaluate": Handler(evaluate_job, stage_then),
    "gate": Handler(gate_job, stage_then),
}
