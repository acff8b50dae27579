"""Training runs of a campaign."""

from django.db.models import QuerySet

from core.errors import NotFound
from core.models import Campaign
from training.domain.stages import Stage
from training.models import RoundStage, TrainingRun


def runs_of(campaign: Campaign) -> QuerySet[TrainingRun]:
    """The campaign's runs with what the pages name and their pre-flights; a dataset's manifest is left in the table."""
    related = ("campaign", "dataset", "parent", "child", "job")
    rows = campaign.training_runs.select_related(*related).defer("dataset__manifest")
    return rows.prefetch_related("preflights__job", "preflights__overridden_by").order_by("-id")


def run_of(campaign: Campaign, pk: int) -> TrainingRun:
    """One run of this campaign; NotFound for another campaign's."""
    run = runs_of(campaign).filter(pk=pk).first()
    if run is None:
        raise NotFound(f"There is no training run {pk} in {campaign.name}.")
    return run


def newest_run(campaign: Campaign) -> TrainingRun | None:
    """The run that was made last."""
    return runs_of(campaign).first()


def train_stages(campaign: Campaign) -> dict[int, RoundStage]:
    """The stage of each training run, by the run's id; one query over the few stages that train."""
    rows = RoundStage.objects.filter(round__campaign=campaign, stage=Stage.TRAIN, job__isnull=False)
    stages = rows.select_related("job", "round").order_by("id")
    return {row.job.spec.get("training_run_id", 0): row for row in stages if row.job}
