"""The pre-flight of a training run: done behind the GPU border, stored as a table, answered for by a person."""

from collections import Counter
from functools import partial
from pathlib import Path

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from core.access import audit, require
from core.check_specs import CheckResult, CheckSpec
from core.domain.gradients import Difficulty
from core.errors import GpuJobFailed, InvalidInput, WrongState
from core.gpu_runs import GpuRun, gpu_run
from core.jobs.context import JobContext
from core.jobs.services import JobRequest, job_submit
from core.models import Job
from core.specs import RESULT_FILE
from datagen.models import Dataset
from training.models import Preflight, TrainingRun
from training.services.training_runs import dataset_place, places_of, run_job

MAX_REASON = 2000


def preflight_open(*, actor: User, run: TrainingRun) -> Preflight:
    """The next look at the run, its job waiting for a worker; WrongState where there is nothing to look at any more."""
    require(actor, "research", run.campaign)
    newest = run.preflights.select_related("job").order_by("-take").first()
    if run.child_id or run_job(run) or (newest and newest.job.is_live):
        raise WrongState(f"{run} is being checked, trains, or has ended already.")
    take = newest.take + 1 if newest else 1
    is_cuda = run.spec.get("device") == "cuda"
    request = JobRequest(
        "preflight",
        {"training_run_id": run.pk, "take": take},
        queue="gpu",
        dedup_key=f"preflight {run.pk} {take}",
        gpus=int(is_cuda),
    )
    with transaction.atomic():
        job = job_submit(actor=actor, campaign=run.campaign, request=request)
        return preflight_create(run, take, job)


def preflight_create(run: TrainingRun, take: int, job: Job) -> Preflight:
    """The row of a look; a second one of the same take is a WrongState."""
    try:
        with transaction.atomic():
            return Preflight.objects.create(training_run=run, run_name=run.run_name, take=take, job=job)
    except IntegrityError as error:
        raise WrongState(f"{run} is being checked already.") from error


def preflight_execute(context: JobContext, preflight: Preflight) -> Preflight:
    """Look, or find it looked at; the row with its table."""
    run = preflight.training_run
    spec = CheckSpec(
        **{name: value for name, value in run.spec.items() if name != "kind"},
        places=places_of(run.parent, run.campaign.config.engine.threads),
        difficulty=difficulty_of(run.dataset),
        take=preflight.take,
    )
    place = partial(dataset_place, Path(run.dataset.path))
    folder = gpu_run(context, GpuRun("gpu.check", spec, place, first_limit_s=spec.settings.first_limit_s))
    result = CheckResult.model_validate_json((folder / RESULT_FILE).read_bytes())
    preflight.lines = [line.model_dump() for line in result.lines]
    preflight.is_passed, preflight.seconds = result.is_passed, result.seconds
    with context.writing():
        preflight.save(update_fields=["lines", "is_passed", "seconds"])
    return preflight


def difficulty_of(dataset: Dataset) -> tuple[Difficulty, ...]:
    """How often the parent was right, as counts of samples; what was never scored is left out."""
    samples = dataset.manifest.get("samples", [])
    pairs = ((row[4], row[5]) for row in samples if len(row) > 5 and row[4] is not None and row[5])
    return tuple(sorted((right, scored, count) for (right, scored), count in Counter(pairs).items()))


def preflight_clear(run: TrainingRun) -> bool:
    """Whether a look at this very spec passed, or somebody answers for it."""
    looks = Preflight.objects.filter(run_name=run.run_name, training_run__campaign=run.campaign_id)
    return bool(run.run_name) and any(look.is_clear for look in looks)


def preflight_ensure(context: JobContext, run: TrainingRun) -> None:
    """Check a round's run inside its own job where the campaign wants that; GpuJobFailed names what to change."""
    if run.is_by_hand or not run.campaign.config.engine.preflight or preflight_clear(run):
        return
    newest = run.preflights.order_by("-take").first()
    is_open = newest is not None and newest.is_passed is None
    look = newest if newest and is_open else preflight_create(run, newest.take + 1 if newest else 1, context.job)
    failing = failing_lines(preflight_execute(context, look))
    if failing:
        raise GpuJobFailed("\n".join(["The pre-flight found what to change first:", *failing]), code="preflight_failed")


def failing_lines(preflight: Preflight) -> list[str]:
    """What stands in the way, one sentence a check."""
    bad = [line for line in preflight.lines if line["status"] == "fail"]
    return [f"{line['name']}: {line['found']} {line['change']}" for line in bad]


def preflight_override(*, actor: User, run: TrainingRun, reason: str) -> Preflight:
    """Let a run train although its newest look failed; who says so, and why, is kept with it and in the audit log."""
    require(actor, "research", run.campaign)
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON:
        raise InvalidInput(f"reason: say why in at most {MAX_REASON:,} characters.", field="reason")
    newest = run.preflights.select_related("job").order_by("-take").first()
    if newest is None or newest.is_clear or newest.job.is_live:
        raise WrongState(f"{run} has no pre-flight that failed.")
    with transaction.atomic():
        open_one = Preflight.objects.filter(pk=newest.pk, overridden_by__isnull=True)
        if not open_one.update(overridden_by=actor, reason=reason):
            raise WrongState("Somebody else answered for this pre-flight just now.")
        failed = [line["name"] for line in newest.lines if line["status"] == "fail"]
        audit(actor, "preflight.overridden", run, campaign=run.campaign, reason=reason, failed=failed, take=newest.take)
    newest.refresh_from_db()
    return newest
