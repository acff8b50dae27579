"""What others read of mixtures and samples, as plain values."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count

from core.errors import NotFound
from core.models import AuditEvent, Campaign
from datagen.models import Mixture, MixtureRow, Sample
from datagen.proposals import row_of


def mixture_of(campaign: Campaign, pk: int) -> Mixture:
    """A mixture of this campaign; NotFound for another campaign's."""
    rows = Mixture.objects.select_related("campaign", "edited_by", "approved_by")
    mixture = rows.filter(campaign=campaign, pk=pk).first()
    if mixture is None:
        raise NotFound(f"There is no mixture {pk} in {campaign.name}.")
    return mixture


def mixture_read(mixture: Mixture) -> dict[str, Any]:
    """The mixture with its rows in the order in which it was signed; one query."""
    rows = [row_read(row) for row in mixture.rows.order_by("id")]
    return {**mixture_line(mixture), "seed": mixture.seed, "notes": mixture.notes, "rows": rows}


def mixture_line(mixture: Mixture) -> dict[str, Any]:
    """The mixture in a list, without its rows."""
    names = ("id", "policy", "status", "total", "manifest_hash", "comment", "created_at", "edited_at", "approved_at")
    return {**{name: getattr(mixture, name) for name in names}, "report": mixture.report_id}


def row_read(row: MixtureRow) -> dict[str, Any]:
    """One skill's share as it is signed, with the policy's number where a person changed it."""
    names = ("image_type", "answer_type", "proposed_quota")
    return {**asdict(row_of(row)), **{name: getattr(row, name) for name in names}}


def approval_objection(mixture: Mixture, actor: User) -> str:
    """Why this person cannot approve where two persons must agree; empty when nothing speaks against it."""
    if not mixture.campaign.config.mixture.two_persons or mixture.edited_by_id is None:
        return ""
    edits = AuditEvent.objects.filter(object_type="datagen.mixture", object_id=str(mixture.pk), action="mixture.edited")
    if not edits.filter(actor=actor).exists():
        return ""
    return "You edited this mixture, and in this campaign two persons must agree: somebody else approves it."


def sample_counts(mixture: Mixture) -> dict[str, Any]:
    """How far the slots are filled, and what became of the samples; two queries.

    ``slots`` = ``filled`` + ``open`` + ``given_up``; ``rejected`` counts samples by reason.
    """
    slots = slots_count(mixture)
    rows = Sample.objects.filter(slot__mixture=mixture).order_by().values_list("status", "reason")
    statuses: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for status, reason, number in rows.annotate(n=Count("pk")):
        statuses[status] += number
        if status == "rejected":
            rejected[reason] += number
    under_way = statuses["written"] + statuses["checked"]
    made = {"accepted": statuses["accepted"], "held": statuses["held"], "under_way": under_way}
    return {"slots": sum(slots.values()), **slots, **made, "rejected": dict(rejected.most_common())}


def slots_count(mixture: Mixture) -> dict[str, int]:
    """How many slots are open, filled and given up; one query."""
    counted = dict(mixture.slots.order_by().values_list("status").annotate(n=Count("pk")))
    return {status: counted.get(status, 0) for status in ("open", "filled", "given_up")}
