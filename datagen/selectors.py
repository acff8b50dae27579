"""What others read of mixtures and samples, as plain values."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count

from core.asking import REPAIR
from core.errors import NotFound
from core.models import AuditEvent, Campaign, ModelCall
from datagen.models import Mixture, MixtureRow, Sample, SampleDecision
from datagen.proposals import row_of
from datagen.tries import subject_of


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


def sample_of(campaign: Campaign, pk: int) -> Sample:
    """A sample of this campaign with its slot, mixture and picture; NotFound for another campaign's."""
    rows = Sample.objects.select_related("slot__mixture__campaign", "media")
    sample = rows.filter(slot__mixture__campaign=campaign, pk=pk).first()
    if sample is None:
        raise NotFound(f"There is no sample {pk} in {campaign.name}.")
    return sample


def calls_of_sample(sample: Sample) -> list[ModelCall]:
    """Every call that was made for this try, in order: models, tools, blind solves; by whole subjects, so by index."""
    subject = sample.evidence.get("subject") or subject_written(sample)
    calls = ModelCall.objects.filter(campaign=sample.slot.mixture.campaign_id).select_related("endpoint")
    return list(calls.filter(subject__in=[subject, f"{subject}{REPAIR}"]).order_by("pk"))


def subject_written(sample: Sample) -> str:
    """The subject of a try whose evidence does not say it: under the slot that it was written for."""
    moved = SampleDecision.objects.filter(sample=sample, decision="reassign").select_related("slot_before")
    first = moved.order_by("pk").first()
    slot, try_ix = (first.slot_before, first.try_before) if first else (sample.slot, sample.try_ix)
    return subject_of(sample.slot.mixture, slot, try_ix)


def slots_count(mixture: Mixture) -> dict[str, int]:
    """How many slots are open, filled and given up; one query."""
    counted = dict(mixture.slots.order_by().values_list("status").annotate(n=Count("pk")))
    return {status: counted.get(status, 0) for status in ("open", "filled", "given_up")}
