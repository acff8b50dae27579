"""A mixture that waits for approval, changed by a person: new shares, new quotas, and a new hash to sign."""

import math

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from core.access import audit, require
from core.errors import InvalidInput, WrongState
from datagen.domain.edits import Change, MixtureEdit, changes, edited
from datagen.domain.mixture import Proposal, manifest_hash
from datagen.models import Mixture, MixtureRow
from datagen.proposals import original_of, proposal_of
from datagen.services.mixtures import CHANGED, CHUNK

FIELDS = ("purpose", "weight", "quota", "proposed_purpose", "proposed_weight", "proposed_quota")


def mixture_preview(*, actor: User, mixture_id: int, edit: MixtureEdit) -> Proposal:
    """Exactly what an edit would have people sign; nothing is written."""
    mixture = Mixture.objects.select_related("campaign").get(pk=mixture_id)
    require(actor, "view", mixture.campaign)
    return proposal_edited(mixture, list(mixture.rows.order_by("id")), edit, actor)


def mixture_edit(*, actor: User, mixture_id: int, seen_hash: str, edit: MixtureEdit) -> Mixture:
    """Change the mixture that was seen, and no other; who had the old one open cannot approve it any more."""
    mixture = Mixture.objects.select_related("campaign").get(pk=mixture_id)
    require(actor, "research", mixture.campaign)
    rows = list(mixture.rows.order_by("id"))
    proposal = proposal_edited(mixture, rows, edit, actor)
    if manifest_hash(proposal) == seen_hash == mixture.manifest_hash:
        raise InvalidInput("These are the numbers that the mixture has already.", field="shares")
    original, before = original_of(mixture, rows), proposal_of(mixture, rows)
    with transaction.atomic():
        mixture_take(mixture, seen_hash, proposal, None if proposal == original else actor)
        rows_store(rows, proposal, original)
        mixture_audit(actor, mixture, before, proposal, is_restored=proposal == original)
    mixture.refresh_from_db()
    return mixture


def mixture_restore(*, actor: User, mixture_id: int, seen_hash: str) -> Mixture:
    """Back to what the policy proposed, to the last digit of its hash."""
    mixture = Mixture.objects.get(pk=mixture_id)
    original = original_of(mixture, list(mixture.rows.order_by("id")))
    shares = {row.skill: float(row.quota) for row in original.rows}
    edit = MixtureEdit(shares, {row.skill: row.purpose for row in original.rows})
    return mixture_edit(actor=actor, mixture_id=mixture_id, seen_hash=seen_hash, edit=edit)


def proposal_edited(mixture: Mixture, rows: list[MixtureRow], edit: MixtureEdit, actor: User) -> Proposal:
    """The proposal that the edit makes of the stored rows."""
    edit_check(edit, {row.skill for row in rows})
    current = proposal_of(mixture, rows)
    return edited(original_of(mixture, rows), current.rows, edit, actor.get_username())


def edit_check(edit: MixtureEdit, known: set[str]) -> None:
    """InvalidInput names the share, the purpose or the lock that cannot be."""
    for field, skills in (("shares", edit.shares), ("purposes", edit.purposes), ("locked", edit.locked)):
        for skill in skills:
            if skill not in known:
                raise InvalidInput(f"{field}.{skill}: this mixture has no such skill.", field=f"{field}.{skill}")
    for skill, share in edit.shares.items():
        if not 0 <= share < math.inf:
            raise InvalidInput(f"shares.{skill}: a share must be 0 or more.", field=f"shares.{skill}")


def mixture_take(mixture: Mixture, seen_hash: str, proposal: Proposal, editor: User | None) -> None:
    """Write the new head if the mixture still waits as it was seen; WrongState else."""
    waiting = Mixture.objects.filter(pk=mixture.pk, status="submitted", manifest_hash=seen_hash)
    taken = waiting.update(
        manifest_hash=manifest_hash(proposal),
        notes=list(proposal.notes),
        edited_by=editor,
        edited_at=timezone.now() if editor else None,
    )
    if not taken:
        raise WrongState(CHANGED)


def rows_store(rows: list[MixtureRow], proposal: Proposal, original: Proposal) -> None:
    """Write the new numbers, and beside them the policy's own while they differ."""
    is_original = proposal == original
    for row, new, policy in zip(rows, proposal.rows, original.rows, strict=True):
        row.purpose, row.weight, row.quota = new.purpose.value, new.weight, new.quota
        row.proposed_purpose = "" if is_original else policy.purpose.value
        row.proposed_weight = None if is_original else policy.weight
        row.proposed_quota = None if is_original else policy.quota
    MixtureRow.objects.bulk_update(rows, FIELDS, batch_size=CHUNK)


def mixture_audit(actor: User, mixture: Mixture, before: Proposal, after: Proposal, *, is_restored: bool) -> None:
    """Note what differs from what was seen."""
    action = "mixture.restored" if is_restored else "mixture.edited"
    facts = {"seen_hash": manifest_hash(before), "manifest_hash": manifest_hash(after)}
    found = [change_json(change) for change in changes(before.rows, after.rows)]
    audit(actor, action, mixture, campaign=mixture.campaign, **facts, changes=found)


def change_json(change: Change) -> dict[str, object]:
    """One skill's change, before and after."""
    return {"skill": change.skill, "quota": list(change.quota), "purpose": list(change.purpose)}
