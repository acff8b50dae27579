"""What the next data is made of: proposed from a report, approved by the hash of what was seen, or sent back."""

from collections import defaultdict
from typing import get_args

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from core.access import audit, require
from core.domain.seeds import seed_of
from core.errors import InvalidInput, NotAllowed, WrongState
from core.jobs.context import JobContext
from datagen.agents.schemas import AnswerKind
from datagen.domain.mixture import Proposal, Row, SkillEvidence, manifest_hash, propose
from datagen.domain.slots import SlotPlan, plan_slots
from datagen.models import Mixture, MixtureRow, Slot
from datagen.proposals import row_of
from datagen.selectors import approval_objection
from diagnostics.domain.intervals import Posterior
from diagnostics.domain.verdicts import Verdict
from diagnostics.models import Cell, Report, SkillDiagnosis

CHUNK = 500
CHANGED = "This mixture changed or was decided since you opened it."


def mixture_propose(context: JobContext, report: Report) -> Mixture:
    """The mixture that the report suggests, submitted for approval; the same proposal is not submitted twice.

    One that was sent back may be submitted again: the settings may be what the person wanted changed elsewhere.
    """
    campaign = report.campaign
    require(context.job.actor, "research", campaign)
    diagnoses = list(report.skills.order_by("skill"))
    if not diagnoses:
        raise InvalidInput("The report knows no skill: diagnose some items first.", field="report_id")
    wanted = campaign.config.mixture
    proposal = propose(
        skills_evidence(report, diagnoses),
        policy=wanted.policy,
        total=wanted.total,
        replay_share=wanted.replay_share,
    )
    signed = manifest_hash(proposal)
    known = Mixture.objects.filter(report=report, manifest_hash=signed, status__in=["submitted", "approved"]).first()
    if known:
        return known
    with context.writing():
        mixture = mixture_store(report, proposal, diagnoses)
        audit(context.job.actor, "mixture.submitted", mixture, campaign=campaign, manifest_hash=signed)
    return mixture


def skills_evidence(report: Report, diagnoses: list[SkillDiagnosis]) -> dict[str, SkillEvidence]:
    """What the report knows of each skill, with its wrong answers counted by error type where a judge named one."""
    named = Cell.objects.filter(report=report, is_strict=True).exclude(error_type="")
    wrong: dict[str, dict[str, int]] = defaultdict(dict)
    for skill, kind, count in named.values_list("skill", "error_type").annotate(count=Sum(F("n") - F("k"))).order_by():
        wrong[skill][kind] = count
    return {
        row.skill: SkillEvidence(
            k=row.k,
            n=row.n,
            posterior=Posterior(row.posterior_a, row.posterior_b),
            verdict=Verdict(row.verdict),
            error_types=wrong[row.skill],
        )
        for row in diagnoses
    }


def mixture_store(report: Report, proposal: Proposal, diagnoses: list[SkillDiagnosis]) -> Mixture:
    """Write the proposal down. Its seed counts the campaign's approved mixtures, so that every round draws anew."""
    campaign = report.campaign
    before = Mixture.objects.filter(campaign=campaign, status="approved").count()
    mixture = Mixture.objects.create(
        campaign=campaign,
        report=report,
        policy=proposal.policy,
        total=proposal.total,
        seed=seed_of(campaign.seed, "mixture", before),
        manifest_hash=manifest_hash(proposal),
        notes=list(proposal.notes),
    )
    by_skill = {row.skill: row for row in diagnoses}
    rows = [mixture_row(mixture, row, by_skill[row.skill]) for row in proposal.rows]
    MixtureRow.objects.bulk_create(rows, batch_size=CHUNK)
    return mixture


def mixture_row(mixture: Mixture, row: Row, diagnosis: SkillDiagnosis) -> MixtureRow:
    """One skill's share, with the kind of picture and question that its benchmark items have."""
    return MixtureRow(
        mixture=mixture,
        skill=row.skill,
        purpose=row.purpose.value,
        image_type=diagnosis.image_type,
        answer_type=diagnosis.answer_type,
        weight=row.weight,
        quota=row.quota,
        why=row.why,
        directions=[list(direction) for direction in row.directions],
    )


def mixture_approve(*, actor: User, mixture_id: int, manifest_hash: str, comment: str = "") -> Mixture:
    """Approve exactly the manifest that the approver saw, and plan its slots; a changed one is a WrongState."""
    mixture = Mixture.objects.select_related("campaign").get(pk=mixture_id)
    require(actor, "approve", mixture.campaign)
    if objection := approval_objection(mixture, actor):
        raise NotAllowed(objection)
    with transaction.atomic():
        taken = Mixture.objects.filter(pk=mixture_id, status="submitted", manifest_hash=manifest_hash).update(
            status="approved", approved_by=actor, approved_at=timezone.now(), comment=comment
        )
        if not taken:
            raise WrongState(CHANGED)
        Slot.objects.bulk_create(slots_planned(mixture), batch_size=CHUNK)
        audit(actor, "mixture.approved", mixture, campaign=mixture.campaign, manifest_hash=manifest_hash)
    mixture.refresh_from_db()
    return mixture


def slots_planned(mixture: Mixture) -> list[Slot]:
    """The mixture's slots in their order, not stored yet."""
    rows = list(mixture.rows.order_by("id"))
    by_skill = {row.skill: row for row in rows}
    kinds = {row.skill: [row.answer_type] for row in rows if row.answer_type in get_args(AnswerKind)}
    plans = plan_slots([row_of(row) for row in rows], mixture.seed, kinds)
    return [slot_of(mixture, plan, by_skill[plan.skill]) for plan in plans]


def slot_of(mixture: Mixture, plan: SlotPlan, row: MixtureRow) -> Slot:
    """One planned slot as a row."""
    return Slot(
        mixture=mixture,
        index=plan.index,
        skill=plan.skill,
        purpose=plan.purpose.value,
        image_type=row.image_type,
        question_type=plan.question_type or "",
        error_type=plan.error_type or "",
    )


def mixture_send_back(*, actor: User, mixture_id: int, comment: str) -> Mixture:
    """Refuse a submitted mixture, with a reason for whoever changes the settings and proposes again."""
    mixture = Mixture.objects.select_related("campaign").get(pk=mixture_id)
    require(actor, "approve", mixture.campaign)
    with transaction.atomic():
        submitted = Mixture.objects.filter(pk=mixture_id, status="submitted")
        if not submitted.update(status="sent_back", comment=comment):
            raise WrongState(CHANGED)
        audit(actor, "mixture.sent_back", mixture, campaign=mixture.campaign, comment=comment)
    mixture.refresh_from_db()
    return mixture
