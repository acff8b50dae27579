"""What each stage needs before it starts: the rows of its job, and the job itself."""

from collections.abc import Callable, Mapping
from typing import Any

from core.jobs.services import JobRequest
from core.specs import Sampling
from datagen.models import Dataset, Mixture
from diagnostics.models import Checkpoint
from diagnostics.services.answer_runs import answer_run_create
from training.domain.stages import Stage
from training.models import Round, RoundStage
from training.services.evaluations import evaluation_create
from training.services.training_runs import training_run_create

Opener = Callable[[Round, int], JobRequest]


def stage_facts(round: Round, stage: Stage) -> dict[str, Any]:
    """The ids that the newest finished take of ``stage`` worked on and made."""
    takes = RoundStage.objects.select_related("job").filter(round=round, stage=stage, status="done")
    newest = takes.latest("take")
    spec: dict[str, Any] = newest.job.spec if newest.job else {}
    return {**spec, **newest.result}


def open_diagnose(round: Round, take: int) -> JobRequest:
    """Probe items for the parent, others than in earlier rounds."""
    config = round.campaign.config
    run = answer_run_create(
        actor=round.started_by,
        campaign=round.campaign,
        checkpoint=round.parent,
        split="probe",
        items_a_skill=config.diagnosis.items_a_skill,
        sampling=Sampling(max_new_tokens=config.engine.max_new_tokens),
        label=f"{round}, diagnosis",
        round_number=round.number,
    )
    return JobRequest("answer_run", {"run_id": run.pk}, queue="gpu")


def open_report(round: Round, take: int) -> JobRequest:
    """The report on the probe answers."""
    return JobRequest("report", {"run_id": stage_facts(round, Stage.DIAGNOSE)["run_id"]})


def open_mixture(round: Round, take: int) -> JobRequest:
    """A mixture proposed from the report."""
    return JobRequest("mixture_propose", {"report_id": stage_facts(round, Stage.REPORT)["report_id"]})


def open_generate(round: Round, take: int) -> JobRequest:
    """Samples for the open slots."""
    return JobRequest("generate", {"mixture_id": mixture_of(round), "take": take}, queue="agents")


def open_quality(round: Round, take: int) -> JobRequest:
    """Quality control of what was written."""
    return JobRequest("quality", {"mixture_id": mixture_of(round), "take": take}, queue="agents")


def open_difficulty(round: Round, take: int) -> JobRequest:
    """The parent's own answers to the new questions."""
    spec = {"mixture_id": mixture_of(round), "take": take, "checkpoint_id": round.parent_id}
    return JobRequest("difficulty", spec, queue="gpu")


def open_dataset(round: Round, take: int) -> JobRequest:
    """The accepted samples as an immutable dataset."""
    return JobRequest("dataset_build", {"mixture_id": mixture_of(round)})


def open_train(round: Round, take: int) -> JobRequest:
    """GRPO on the dataset."""
    dataset = Dataset.objects.get(pk=stage_facts(round, Stage.DATASET)["dataset_id"])
    run = training_run_create(actor=round.started_by, round=round, dataset=dataset)
    return JobRequest("train", {"training_run_id": run.pk}, queue="gpu")


def open_evaluate(round: Round, take: int) -> JobRequest:
    """Parent and child on the gate items."""
    child = Checkpoint.objects.get(pk=stage_facts(round, Stage.TRAIN)["checkpoint_id"])
    mixture = Mixture.objects.get(pk=mixture_of(round))
    evaluation = evaluation_create(actor=round.started_by, round=round, child=child, mixture=mixture)
    return JobRequest("evaluate", {"evaluation_id": evaluation.pk}, queue="gpu")


def open_gate(round: Round, take: int) -> JobRequest:
    """The gate's word on the evaluation."""
    return JobRequest("gate", {"evaluation_id": stage_facts(round, Stage.EVALUATE)["evaluation_id"]})


def mixture_of(round: Round) -> int:
    """The mixture that the round goes by: the newest that was proposed."""
    return int(stage_facts(round, Stage.MIXTURE)["mixture_id"])


# Stages that are missing here are a person's: they open without a job.
OPENERS: Mapping[Stage, Opener] = {
    Stage.DIAGNOSE: open_diagnose,
    Stage.REPORT: open_report,
    Stage.MIXTURE: open_mixture,
    Stage.GENERATE: open_generate,
    Stage.QUALITY: open_quality,
    Stage.DIFFICULTY: open_difficulty,
    Stage.DATASET: open_dataset,
    Stage.TRAIN: open_train,
    Stage.EVALUATE: open_evaluate,
    Stage.GATE: open_gate,
}
