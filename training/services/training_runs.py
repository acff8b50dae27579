"""Training runs: made from a dataset and a parent, carried out behind the GPU border, ended with a child."""

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from core.access import audit, require
from core.domain.seeds import seed_of
from core.errors import GpuJobFailed, WrongState
from core.gpu_runs import GpuRun, gpu_run, stop_ask
from core.jobs.context import JobContext
from core.jobs.services import job_cancel
from core.models import Job, JobEvent
from core.models.jobs import LIVE
from core.specs import DATASET_FILE, FINAL_FOLDER, RESULT_FILE, Places, StopFile, TrainResult, TrainSpec
from datagen.models import Dataset
from diagnostics.checkpoint_folder import CheckpointFacts, checkpoint_inspect
from diagnostics.models import Checkpoint
from diagnostics.services.checkpoints import checkpoint_save
from training.models import Round, TrainingRun
from training.services.metrics import MetricStream
from training.services.prompts import PromptStream

# Disk that must be free before a run, in sizes of its parent: the newest resumable state, the one being written,
# and the child.
ROOM = 3


def training_run_create(*, actor: User, round: Round, dataset: Dataset) -> TrainingRun:
    """A run from the round's parent on ``dataset``; its spec is frozen here, so later settings do not change it."""
    campaign, parent = round.campaign, round.parent
    require(actor, "research", campaign)
    config = campaign.config
    seed = seed_of(campaign.seed, round.number, "train")
    spec = TrainSpec(
        checkpoint_hash=parent.content_hash,
        seed=seed,
        device=config.engine.device,
        dtype=config.engine.dtype,
        places=places_of(parent, config.engine.threads),
        dataset_hash=dataset.file_hash,
        settings=config.grpo,
    )
    with transaction.atomic():
        run = TrainingRun.objects.create(
            campaign=campaign,
            dataset=dataset,
            parent=parent,
            seed=seed,
            spec=spec.model_dump(mode="json", exclude={"places"}),
            run_name=spec.run_name(),
            child_name=f"{campaign.slug}-round-{round.number}",
        )
        audit(actor, "training_run.created", run, campaign=campaign, run_name=run.run_name)
    return run


def training_run_execute(context: JobContext, run: TrainingRun) -> Checkpoint:
    """Train, or find it done; the child checkpoint. Curves grow while it trains."""
    threads = run.campaign.config.engine.threads
    spec = TrainSpec(**run.spec, places=places_of(run.parent, threads))
    folder = Path(settings.RUNS_ROOT) / spec.run_name()
    if not (folder / RESULT_FILE).exists():
        room_check(run.parent, "training", ROOM)
    place = partial(dataset_place, Path(run.dataset.path))
    chosen = spec.settings
    gpu_run(
        context,
        GpuRun("gpu.train", spec, place, run_streams(context, run), chosen.first_limit_s, chosen.gpus),
    )
    result = TrainResult.model_validate_json((folder / RESULT_FILE).read_bytes())
    return child_register(context, run, folder / FINAL_FOLDER, result)


def run_streams(context: JobContext, run: TrainingRun) -> Callable[[Path], None]:
    """Copies what the child has written since the last call into rows: curves and prompts."""
    streams = (MetricStream(context, run), PromptStream(context, run))

    def copy(folder: Path) -> None:
        for stream in streams:
            stream(folder)

    return copy


def training_run_stop(*, actor: User, run: TrainingRun) -> Job:
    """Ask a run to end after its present generation, with a checkpoint; its job ends as cancelled, a retry goes on.

    Cancelling the job ends the run at once instead. A run that still waits for a worker has nothing to save.
    """
    require(actor, "research", run.campaign)
    job = run_job(run)
    if job is None:
        raise WrongState(f"{run} does not run.")
    if job.status == "waiting":
        return job_cancel(actor=actor, job_id=job.pk)
    wish = StopFile(attempt=job.attempt, by=actor.get_username())
    with transaction.atomic():
        audit(actor, "training_run.stop_asked", run, campaign=run.campaign, job=job.pk, attempt=job.attempt)
        JobEvent.objects.create(job=job, attempt=job.attempt, name="stop asked", message=f"by {wish.by}")
        transaction.on_commit(lambda: stop_ask(run.run_name, wish))
    return job


def run_job(run: TrainingRun) -> Job | None:
    """The live job that does this run."""
    jobs = Job.objects.filter(campaign=run.campaign, kind="train", status__in=LIVE)
    return next((job for job in jobs if job.spec.get("training_run_id") == run.pk), None)


def places_of(parent: Checkpoint, threads: int) -> Places:
    """Where the run finds its parent and the pictures on this machine."""
    return Places(checkpoint=Path(parent.path), media=Path(settings.MEDIA_ROOT), threads=threads)


def room_check(checkpoint: Checkpoint, work: str, times: int) -> None:
    """Go on only when the disk holds ``times`` the checkpoint, which ``work`` writes; else an error says what lacks."""
    root = Path(settings.RUNS_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    free, needed = shutil.disk_usage(root).free, times * checkpoint.num_bytes
    if free < needed:
        raise GpuJobFailed(
            f"{root} has {free / 1e9:.2f} GB free and {work} needs {needed / 1e9:.2f} GB "
            f"({times} times the checkpoint). Free some space, then retry.",
            code="disk_full",
        )


def dataset_place(source: Path, folder: Path) -> None:
    """Put the dataset's file into RUN_DIR, whole: a hard link where the disk is the same, else a copy."""
    fresh = folder / f".{DATASET_FILE}"
    fresh.unlink(missing_ok=True)
    try:
        os.link(source, fresh)
    except OSError:
        shutil.copyfile(source, fresh)
    (folder / DATASET_FILE).unlink(missing_ok=True)
    fresh.replace(folder / DATASET_FILE)


def child_register(context: JobContext, run: TrainingRun, folder: Path, result: TrainResult) -> Checkpoint:
    """The trained weights as a checkpoint of the campaign; the same weights again are the same checkpoint."""
    facts = final_facts(context, folder, result.checkpoint_hash)
    with context.writing():
        child = checkpoint_save(
            actor=context.job.actor,
            campaign=run.campaign,
            name=run.child_name,
            facts=facts,
            parent=run.parent,
        )
        TrainingRun.objects.filter(pk=run.pk).update(child=child, result=result.model_dump(mode="json"))
    return child


def final_facts(context: JobContext, folder: Path, wanted: str) -> CheckpointFacts:
    """What a child wrote, checked against the hash that its result names."""
    facts = checkpoint_inspect(folder, more_roots=(Path(settings.RUNS_ROOT),), tick=context.beat)
    if facts.content_hash != wanted:
        raise GpuJobFailed(f"{folder} is not what its result names; delete {folder.parent}, then retry.")
    return facts
