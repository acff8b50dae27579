"""What this app's jobs do; each may be killed anywhere and run again from its top."""

from typing import Any

from core.jobs.context import JobContext
from diagnostics.models import Checkpoint
from training.models import Evaluation, Preflight, TrainingRun
from training.services.evaluation_work import evaluation_execute, evaluation_judge
from training.services.merges import merge_execute
from training.services.preflights import preflight_ensure, preflight_execute
from training.services.training_runs import training_run_execute


def train_job(context: JobContext) -> dict[str, Any]:
    """GRPO behind the GPU border; the child checkpoint."""
    runs = TrainingRun.objects.select_related("campaign", "dataset", "parent")
    run = runs.get(pk=context.spec["training_run_id"], campaign=context.job.campaign)
    preflight_ensure(context, run)
    child = training_run_execute(context, run)
    return {"training_run_id": run.pk, "checkpoint_id": child.pk}


def checkpoint_merge_job(context: JobContext) -> dict[str, Any]:
    """Adapters and their base as one full checkpoint."""
    rows = Checkpoint.objects.select_related("campaign", "parent").filter(campaign=context.job.campaign)
    adapter, base = rows.get(pk=context.spec["adapter_id"]), rows.get(pk=context.spec["base_id"])
    return {"checkpoint_id": merge_execute(context, adapter, base).pk}


def preflight_job(context: JobContext) -> dict[str, Any]:
    """A look at everything that a training run needs; a table, whether or not all is well."""
    related = ("training_run__campaign", "training_run__dataset", "training_run__parent")
    looks = Preflight.objects.select_related(*related).filter(training_run__campaign=context.job.campaign)
    look = looks.get(training_run=context.spec["training_run_id"], take=context.spec["take"])
    found = preflight_execute(context, look)
    return {"training_run_id": look.training_run_id, "take": look.take, "is_passed": bool(found.is_passed)}


def evaluate_job(context: JobContext) -> dict[str, Any]:
    """Parent and child on the same gate items; rows and summary."""
    evaluation = evaluation_of(context)
    num_rows = evaluation_execute(context, evaluation)
    return {"evaluation_id": evaluation.pk, "suites": num_rows}


def gate_job(context: JobContext) -> dict[str, Any]:
    """The gate's word on the evaluation."""
    evaluation = evaluation_of(context)
    return {"evaluation_id": evaluation.pk, "verdict": evaluation_judge(context, evaluation)}


def evaluation_of(context: JobContext) -> Evaluation:
    """The evaluation that the job's spec names, in the job's own campaign."""
    related = ("round__campaign", "before__checkpoint", "before__campaign", "after__checkpoint", "after__campaign")
    evaluations = Evaluation.objects.select_related(*related)
    return evaluations.get(pk=context.spec["evaluation_id"], round__campaign=context.job.campaign)
