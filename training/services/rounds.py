"""Rounds: starting one, what people decide in it, trying again, doing a stage over."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils import timezone

from core.access import audit, require
from core.capabilities import takes_no_pictures
from core.errors import InvalidInput, NotAllowed, WrongState
from core.jobs.services import job_cancel, job_retry
from core.models import Campaign, Job
from core.models.jobs import LIVE
from datagen.models import Mixture
from datagen.services.mixtures import mixture_approve, mixture_send_back
from diagnostics.models import Checkpoint
from training.domain.stages import Approval, Stage, later_stages
from training.models import Round, RoundStage, TrainingRun
from training.selectors.mixtures import round_objection
from training.selectors.offers import parent_default
from training.services.openers import OPENERS, mixture_of
from training.services.stages import round_end, round_follow, stage_end, stage_open, stage_then
from training.services.training_runs import training_run_stop

__all__ = [
    "round_approve",
    "round_decide",
    "round_retry",
    "round_send_back",
    "round_start",
    "round_stop",
    "stage_open",
    "stage_redo",
    "stage_then",
]

STUCK = ("failed", "errored", "cancelled")


def round_start(*, actor: User, campaign: Campaign, checkpoint: Checkpoint | None = None) -> Round:
    """The campaign's next round, its diagnosis waiting for a worker; WrongState while another round is open."""
    require(actor, "research", campaign)
    parent = checkpoint or parent_default(campaign)
    if parent is None:
        raise InvalidInput("checkpoint: register one in this campaign first.", field="checkpoint")
    if parent.lacks:
        raise InvalidInput(f"checkpoint: {parent.lacks}.", field="checkpoint")
    endpoints_see(campaign)
    newest = Round.objects.filter(campaign=campaign).aggregate(number=Max("number"))["number"]
    with transaction.atomic():
        round = round_create(actor, campaign, parent, (newest or 0) + 1)
        audit(actor, "round.started", round, campaign=campaign, number=round.number, parent=parent.pk)
        stage_open(round, Stage.DIAGNOSE, round.created_at)
    return round


def endpoints_see(campaign: Campaign) -> None:
    """Go on only when no endpoint is known to take no pictures for a role that looks at them."""
    blind = [row.role for row in campaign.endpoints.order_by("id") if takes_no_pictures(row)]
    if blind:
        raise WrongState(f"{' and '.join(blind)}: the last test found that the server takes no pictures. Set another.")


def round_create(actor: User, campaign: Campaign, parent: Checkpoint, number: int) -> Round:
    """The round's row; the database allows one open round a campaign."""
    try:
        with transaction.atomic():
            return Round.objects.create(campaign=campaign, number=number, parent=parent, started_by=actor)
    except IntegrityError as error:
        raise WrongState(f"A round of {campaign} is open; it must end before the next one starts.") from error


def round_approve(*, actor: User, round: Round, manifest_hash: str, comment: str = "") -> Round:
    """Approve exactly the mixture that the approver saw, and let generation begin."""
    return mixture_answer(actor, round, comment, manifest_hash)


def round_send_back(*, actor: User, round: Round, comment: str) -> Round:
    """Refuse the mixture with a comment; it is proposed again."""
    require(actor, "approve", round.campaign)
    if not comment.strip():
        raise InvalidInput("comment: say what should be otherwise.", field="comment")
    return mixture_answer(actor, round, comment, None)


def mixture_answer(actor: User, round: Round, comment: str, manifest_hash: str | None) -> Round:
    """What the approver says of the mixture (None sends it back), and what follows, in one transaction."""
    require(actor, "approve", round.campaign)
    now, is_approved = timezone.now(), manifest_hash is not None
    with transaction.atomic():
        stage = stage_at(round, Stage.APPROVE)
        mixture_id = mixture_of(round)
        if manifest_hash is None:
            mixture_send_back(actor=actor, mixture_id=mixture_id, comment=comment)
        elif objection := round_objection(round, Mixture.objects.select_related("campaign").get(pk=mixture_id), actor):
            raise NotAllowed(objection)
        elif not is_approved_already(mixture_id, manifest_hash):
            mixture_approve(actor=actor, mixture_id=mixture_id, manifest_hash=manifest_hash, comment=comment)
        result = {"is_approved": is_approved, "comment": comment, "by": actor.get_username()}
        if not stage_end(stage, result, now):
            raise WrongState("Somebody else decided on this mixture just now.")
        audit(actor, f"round.{'approved' if is_approved else 'sent_back'}", round, campaign=round.campaign, **result)
        round_follow(round, Stage.APPROVE, Approval(is_approved), now)
    return round


def is_approved_already(mixture_id: int, manifest_hash: str) -> bool:
    """Whether this very mixture was approved by an earlier take, so that a redone stage proposed it once more."""
    return Mixture.objects.filter(pk=mixture_id, manifest_hash=manifest_hash, status="approved").exists()


def round_decide(*, actor: User, round: Round, decision: str, comment: str = "") -> Round:
    """A person promotes or rejects the child where the gate waits; rejecting also ends a round that is stuck."""
    require(actor, "approve", round.campaign)
    if decision not in ("promoted", "rejected"):
        raise InvalidInput("decision must be promoted or rejected.", field="decision")
    now = timezone.now()
    with transaction.atomic():
        stage = stage_to_decide(round, decision)
        status = "done" if stage.stage == Stage.DECIDE else "stale"
        if not stage_end(stage, {"decision": decision, "comment": comment}, now, status=status):
            raise WrongState("Somebody else decided on this round just now.")
        round_end(round, decision, now, comment=comment, decided_by=actor)
        audit(actor, f"round.{decision}", round, campaign=round.campaign, comment=comment)
    round.refresh_from_db()
    return round


def round_retry(*, actor: User, round: Round) -> Round:
    """Let the job of a failed, errored or cancelled stage run again; what it stored is not done twice."""
    require(actor, "research", round.campaign)
    stage = RoundStage.objects.filter(round=round, status="open", job__status__in=STUCK).first()
    if stage is None or stage.job_id is None:
        raise WrongState(f"No stage of {round} has failed.")
    with transaction.atomic():
        job_retry(actor=actor, job_id=stage.job_id)
        audit(actor, "round.retried", round, campaign=round.campaign, stage=stage.stage, take=stage.take)
    return round


def round_stop(*, actor: User, round: Round) -> Round:
    """Let the round's training end after its present generation, with a checkpoint from which a retry goes on."""
    require(actor, "research", round.campaign)
    stage = RoundStage.objects.filter(round=round, status="open", stage=Stage.TRAIN, job__status__in=LIVE).first()
    spec = stage.job.spec if stage and stage.job else {}
    run = TrainingRun.objects.filter(pk=spec.get("training_run_id", 0), campaign=round.campaign).first()
    if run is None:
        raise WrongState(f"{round} does not train.")
    training_run_stop(actor=actor, run=run)
    return round


def stage_redo(*, actor: User, round: Round, stage: str) -> RoundStage:
    """Do a stage over as its next take; its earlier takes and all later stages become stale, their jobs are stopped."""
    require(actor, "research", round.campaign)
    if stage not in OPENERS:
        raise InvalidInput(f"stage must be one of {', '.join(OPENERS)}.", field="stage")
    chosen, now = Stage(stage), timezone.now()
    with transaction.atomic():
        open_one = Round.objects.filter(pk=round.pk, ended_at__isnull=True)
        if not open_one.update(child=None if chosen not in later_stages(Stage.TRAIN) else F("child")):
            raise WrongState(f"{round} has ended already.")
        stages_spoil(actor, round, chosen, now)
        fresh = stage_open(round, chosen, now)
        audit(actor, "round.stage_redone", round, campaign=round.campaign, stage=stage, take=fresh.take)
    return fresh


def stages_spoil(actor: User, round: Round, chosen: Stage, now: datetime) -> None:
    """Make all takes of ``chosen`` and of what follows it stale, and ask their jobs to stop."""
    takes = RoundStage.objects.filter(round=round, status__in=["open", "done"])
    if not takes.filter(stage=chosen).exists():
        raise WrongState(f"{round} has not reached the stage {chosen}.")
    spoilt = takes.filter(stage__in=[chosen, *later_stages(chosen)])
    for job in Job.objects.filter(round_stage__in=spoilt, status__in=LIVE):
        job_cancel(actor=actor, job_id=job.pk)
    spoilt.filter(status="open").update(status="stale", ended_at=now)
    spoilt.filter(status="done").update(status="stale")


def stage_at(round: Round, stage: Stage) -> RoundStage:
    """The open take of a person's stage; WrongState when the round stands elsewhere."""
    found = RoundStage.objects.filter(round=round, stage=stage, status="open").first()
    if found is None:
        raise WrongState(f"{round} does not wait at the stage {stage}; look again.")
    return found


def stage_to_decide(round: Round, decision: str) -> RoundStage:
    """The stage that a decision ends: ``decide``, or for a rejection the one that is stuck."""
    stuck = RoundStage.objects.filter(round=round, status="open", job__status__in=STUCK).first()
    return stuck if stuck and decision == "rejected" else stage_at(round, Stage.DECIDE)
