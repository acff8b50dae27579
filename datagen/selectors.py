"""What others read of mixtures and samples, as plain values."""

from collections import Counter
from typing import Any

from django.db.models import Count

from core.errors import NotFound
from core.models import Campaign, ModelCall
from datagen.agents.requests import REPAIR
from datagen.models import Mixture, Sample
from datagen.tries import subject_of


def mixture_of(campaign: Campaign, pk: int) -> Mixture:
    """A mixture of this campaign; NotFound for another campaign's."""
    mixture = Mixture.objects.filter(campaign=campaign, pk=pk).first()
    if mixture is None:
        raise NotFound(f"There is no mixture {pk} in {campaign.name}.")
    return mixture


def mixture_read(mixture: Mixture) -> dict[str, Any]:
    """The mixture with its rows in the order in which it was signed; one query."""
    names = ("skill", "purpose", "weight", "quota", "why", "image_type", "answer_type", "directions")
    rows = list(mixture.rows.order_by("id").values(*names))
    head = ("id", "policy", "status", "total", "seed", "manifest_hash", "notes", "comment", "created_at", "approved_at")
    return {**{name: getattr(mixture, name) for name in head}, "report": mixture.report_id, "rows": rows}


def calls_of_sample(sample: Sample) -> list[ModelCall]:
    """Every call that was made for a sample, in order: models, tools and blind solves; one query by whole subjects."""
    slot = sample.slot
    subject = sample.evidence.get("subject") or subject_of(slot.mixture, slot, sample.try_ix)
    subjects = [subject, f"{subject}{REPAIR}"]
    calls = ModelCall.objects.filter(campaign=slot.mixture.campaign_id, subject__in=subjects)
    return list(calls.select_related("endpoint").order_by("pk"))


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
