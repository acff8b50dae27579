"""Training runs that a person launches: a dataset, a parent and settings; checked first, trained when all is well."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from core.access import audit, require
from core.errors import InvalidInput, WrongState
from core.jobs.services import JobRequest, job_submit
from core.models import Campaign, Job
from core.specs import Device, GrpoSettings, Precision, TrainSpec
from datagen.models import Dataset
from diagnostics.models import Checkpoint
from training.models import Preflight, TrainingRun
from training.services.preflights import preflight_open, preflight_override
from training.services.training_runs import places_of, run_job


@dataclass(frozen=True)
class Launch:
    """Everything that a run by hand is made of."""

    parent: Checkpoint
    dataset: Dataset
    settings: GrpoSettings
    device: Device
    dtype: Precision
    seed: int
    child_name: str = ""

    @property
    def spec(self) -> TrainSpec:
        """The run's spec as it will be stored, and named."""
        return TrainSpec(
            checkpoint_hash=self.parent.content_hash,
            seed=self.seed,
            device=self.device,
            dtype=self.dtype,
            places=places_of(self.parent, 0),
            dataset_hash=self.dataset.file_hash,
            settings=self.settings,
        )


def training_run_launch(*, actor: User, campaign: Campaign, launch: Launch) -> TrainingRun:
    """A run by hand with its pre-flight waiting for a worker; it trains by itself once that has passed."""
    require(actor, "research", campaign)
    if launch.parent.lacks:
        raise InvalidInput(f"parent: {launch.parent.lacks}.", field="parent")
    spec = launch.spec
    if same := TrainingRun.objects.filter(campaign=campaign, run_name=spec.run_name()).first():
        raise InvalidInput(f"settings: {same} has exactly this spec; change something.", field="settings")
    with transaction.atomic():
        run = TrainingRun.objects.create(
            campaign=campaign,
            dataset=launch.dataset,
            parent=launch.parent,
            seed=launch.seed,
            spec=spec.model_dump(mode="json", exclude={"places"}),
            run_name=spec.run_name(),
            child_name=launch.child_name or f"{campaign.slug}-by-hand-{num_by_hand(campaign) + 1}",
            is_by_hand=True,
        )
        audit(actor, "training_run.launched", run, campaign=campaign, run_name=run.run_name)
        preflight_open(actor=actor, run=run)
    return run


def num_by_hand(campaign: Campaign) -> int:
    """How many runs were launched by hand so far."""
    return TrainingRun.objects.filter(campaign=campaign, is_by_hand=True).count()


def preflight_then(job: Job) -> None:
    """What follows from a look, inside its transaction: a run by hand that passed trains."""
    if not job.result["is_passed"]:
        return
    related = ("campaign", "dataset", "parent")
    run = TrainingRun.objects.select_related(*related).get(pk=job.result["training_run_id"])
    if run.is_by_hand:
        train_submit(job.actor, run)


def training_run_override(*, actor: User, run: TrainingRun, reason: str) -> Preflight:
    """Answer for what the pre-flight found; a run by hand trains now, a round's run when its stage is run again."""
    with transaction.atomic():
        look = preflight_override(actor=actor, run=run, reason=reason)
        if run.is_by_hand:
            train_submit(actor, run)
    return look


def train_submit(actor: User, run: TrainingRun) -> Job:
    """The job that trains a run by hand, once."""
    if run.child_id or run_job(run):
        raise WrongState(f"{run} trains, or has ended already.")
    settings = GrpoSettings.model_validate(run.spec["settings"])
    gpus = settings.gpus if run.spec.get("device") == "cuda" else 0
    request = JobRequest(
        "train", {"training_run_id": run.pk}, queue="gpu", dedup_key=f"training run {run.pk}", gpus=gpus
    )
    job = job_submit(actor=actor, campaign=run.campaign, request=request)
    TrainingRun.objects.filter(pk=run.pk).update(job=job)
    return job
