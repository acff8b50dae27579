"""Evaluations: which checkpoints answer which gate items, and what counts as a target, frozen before anything runs."""

from django.contrib.auth.models import User
from django.db import transaction

from core.access import audit, require
from core.specs import Sampling
from datagen.models import Mixture
from diagnostics.models import AnswerRun, Checkpoint
from diagnostics.services.answer_runs import answer_run_create
from training.models import TARGET, Evaluation, Round


def evaluation_create(*, actor: User, round: Round, child: Checkpoint, mixture: Mixture) -> Evaluation:
    """Two answer runs on the very same gate items, what counts as a target, and the margin: all frozen here.

    A skill that got no samples is not aimed at, so it is protected.
    """
    campaign = round.campaign
    require(actor, "research", campaign)
    gate = campaign.config.gate
    targets = mixture.rows.filter(purpose=TARGET, quota__gt=0).order_by("skill")
    with transaction.atomic():
        before = gate_run_create(actor, round, round.parent, "parent")
        after = gate_run_create(actor, round, child, "child")
        evaluation = Evaluation.objects.create(
            round=round,
            target_skills=list(targets.values_list("skill", flat=True)),
            before=before,
            after=after,
            margin=gate.margin,
            margin_signed_by=gate.margin_signed_by,
        )
        audit(actor, "evaluation.created", evaluation, campaign=campaign, round=round.number)
    return evaluation


def gate_run_create(actor: User, round: Round, checkpoint: Checkpoint, who: str) -> AnswerRun:
    """Greedy answers of one checkpoint to this round's gate items."""
    config = round.campaign.config
    return answer_run_create(
        actor=actor,
        campaign=round.campaign,
        checkpoint=checkpoint,
        split="gate",
        items_a_skill=config.gate.items_a_suite,
        sampling=Sampling(max_new_tokens=config.engine.max_new_tokens),
        label=f"{round}, gate, {who}",
        round_number=round.number,
    )
