"""What a job of this app does: find its rows, call one service, answer with ids and sizes."""

from typing import Any

from core.jobs.context import JobContext
from core.models import Campaign
from datagen.models import Mixture
from datagen.services.datasets import dataset_build
from datagen.services.difficulty import difficulty_filter
from datagen.services.generation import samples_generate
from datagen.services.mixtures import mixture_propose
from datagen.services.pools import pool_import
from datagen.services.quality_control import samples_check
from diagnostics.models import Checkpoint, Report


def pool_import_job(context: JobContext) -> dict[str, Any]:
    """Import a folder of pictures."""
    spec = context.spec
    pool = pool_import(context, campaign=campaign_of(context), name=spec["name"], path=spec["path"])
    return {"pool_id": pool.pk, "images": pool.num_images}


def mixture_propose_job(context: JobContext) -> dict[str, Any]:
    """Propose a mixture from a report."""
    reports = Report.objects.select_related("campaign")
    report = reports.get(pk=context.spec["report_id"], campaign=campaign_of(context))
    return {"mixture_id": mixture_propose(context, report).pk}


def generate_job(context: JobContext) -> dict[str, Any]:
    """Let the agents write a sample for every open slot."""
    return samples_generate(context, mixture_of(context))


def quality_job(context: JobContext) -> dict[str, Any]:
    """Check what was written."""
    return samples_check(context, mixture_of(context))


def difficulty_job(context: JobContext) -> dict[str, Any]:
    """Let the current model answer what was checked, and move the slots on."""
    checkpoint = Checkpoint.objects.get(pk=context.spec["checkpoint_id"], campaign=campaign_of(context))
    return difficulty_filter(context, mixture_of(context), checkpoint)


def dataset_build_job(context: JobContext) -> dict[str, Any]:
    """Make the dataset of the accepted samples."""
    dataset = dataset_build(context, mixture_of(context))
    return {"dataset_id": dataset.pk, "samples": dataset.num_samples}


def mixture_of(context: JobContext) -> Mixture:
    """The mixture that the job's spec names, in the job's own campaign."""
    mixtures = Mixture.objects.select_related("campaign")
    return mixtures.get(pk=context.spec["mixture_id"], campaign=campaign_of(context))


def campaign_of(context: JobContext) -> Campaign:
    """The job's campaign; these kinds have one always."""
    assert context.job.campaign is not None
    return context.job.campaign
