"""The stages of a round: opening one, ending one, and what follows. A job knows nothing of it."""

from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from core.access import audit
from core.errors import WrongState
from core.jobs.services import JobRequest, job_submit
from core.models import Job
from training.domain.gate import Decision
from training.domain.stages import Done, Failed, Filled, Finished, Next, Stage, StageOutcome, next_stage
from training.models import Evaluation, Round, RoundStage
from training.selectors.slots import slots_filled
from training.services.openers import OPENERS


def stage_open(round: Round, stage: Stage, now: datetime) -> RoundStage:
    """The next take of ``stage``, with its job; inside a transaction. A round has one open stage at a time."""
    newest = RoundStage.objects.filter(round=round, stage=stage).aggregate(take=Max("take"))["take"]
    take = (newest or 0) + 1
    opener = OPENERS.get(stage)
    job = job_of(round, stage, take, opener(round, take)) if opener else None
    try:
        with transaction.atomic():
            return RoundStage.objects.create(round=round, stage=stage, take=take, job=job, opened_at=now)
    except IntegrityError as error:
        raise WrongState(f"{round} went on meanwhile; look again.") from error


def job_of(round: Round, stage: Stage, take: int, request: JobRequest) -> Job:
    """The job of one take."""
    gpus = int(request.queue == "gpu" and round.campaign.config.engine.device == "cuda")
    spec = {**request.spec, "round_number": round.number}
    request = replace(request, spec=spec, dedup_key=f"round {round.pk} {stage} {take}", gpus=gpus)
    return job_submit(actor=round.started_by, campaign=round.campaign, request=request)


def stage_then(job: Job) -> None:
    """What follows from a job's success, inside its transaction: its stage ends and the next one opens.

    A job of no round, or of a take that was made stale meanwhile, is followed by nothing.
    """
    stage = RoundStage.objects.select_related("round__campaign", "round__parent", "round__started_by")
    found = stage.filter(job=job).first()
    now = timezone.now()
    if found is None or not stage_end(found, job.result, now):
        return
    if found.stage == Stage.TRAIN:
        Round.objects.filter(pk=found.round_id).update(child_id=job.result["checkpoint_id"])
    round_follow(found.round, Stage(found.stage), outcome_of(found, job), now)


def stage_end(stage: RoundStage, result: dict[str, object], now: datetime, *, status: str = "done") -> bool:
    """End an open stage; False when somebody else ended it or made it stale."""
    open_one = RoundStage.objects.filter(pk=stage.pk, status="open")
    return bool(open_one.update(status=status, result=result, ended_at=now))


def outcome_of(stage: RoundStage, job: Job) -> StageOutcome:
    """What came out of the stage, in the words of ``next_stage``."""
    if stage.stage == Stage.DIFFICULTY:
        return filled_of(stage, job)
    if stage.stage == Stage.GATE:
        return Decision(Evaluation.objects.get(pk=job.spec["evaluation_id"]).verdict)
    return Done()


def filled_of(stage: RoundStage, job: Job) -> Filled:
    """How the slots stand after this wave."""
    generation = stage.round.campaign.config.generation
    waves = RoundStage.objects.filter(round=stage.round, stage=Stage.DIFFICULTY, status="done").count()
    slots = slots_filled(job.spec["mixture_id"])
    return Filled(
        num_slots=slots.num_slots,
        num_accepted=slots.num_filled,
        num_open=slots.num_open,
        wave=waves,
        missing=slots.missing,
        max_waves=1 + generation.max_refills,
        min_share=generation.min_accept_share,
    )


def round_follow(round: Round, stage: Stage, outcome: StageOutcome, now: datetime) -> None:
    """Open what follows ``stage``, or end the round when nothing does.

    Too few samples open the dataset stage all the same: its job fails with the table of shortfalls, and can be
    retried once somebody has found more.
    """
    match next_stage(stage, outcome):
        case Next(stage=following):
            stage_open(round, following, now)
        case Finished():
            round_promote(round, now)
        case Failed():
            stage_open(round, Stage.DATASET, now)


def round_promote(round: Round, now: datetime) -> None:
    """End the round as the gate decided: its child is the next round's parent."""
    evaluation = Evaluation.objects.filter(round=round).latest("id")
    comment = "\n".join(evaluation.reasons)
    round_end(round, "promoted", now, comment=comment)
    audit(round.started_by, "round.promoted", round, campaign=round.campaign, by="gate", reasons=evaluation.reasons)


def round_end(round: Round, decision: str, now: datetime, **fields: object) -> None:
    """Close the round with its decision, once."""
    open_one = Round.objects.filter(pk=round.pk, ended_at__isnull=True)
    if not open_one.update(decision=decision, ended_at=now, **fields):
        raise WrongState(f"{round} has ended already.")
