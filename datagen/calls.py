"""What the ledger's pages read: calls page by page, and one call with all that was said and the sample it was for."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from core.asking import REPAIR
from core.errors import NotFound
from core.models import Campaign, ModelCall
from datagen.agents.requests import prompt_on_file
from datagen.models import Mixture, Sample, SampleDecision, Slot

PAGE = 50
OF_A_TRY = re.compile(r"(?P<mixture>[0-9a-f]{12})/s(?P<slot>\d{1,9})/t(?P<try_ix>\d{1,4})")
STATUSES = ("answered", "failed", "unknown", "sent")
ROW_FIELDS = (
    *("id", "created_at", "role", "tool", "subject", "status", "num_sent", "tokens_in", "tokens_out", "cost"),
    *("latency_ms", "prompt_version", "endpoint__model", "error"),
)


@dataclass(frozen=True)
class CallFilter:
    """Which calls to show; empty means all. ``subject`` is what a try's calls are known by."""

    role: str = ""
    status: str = ""
    subject: str = ""


@dataclass(frozen=True)
class CallView:
    """One call as a page shows it: the system's words, what was asked, and what came back."""

    call: ModelCall
    system: str
    text: str
    pictures: Sequence[str]
    answers: Sequence[str]
    answered_pictures: Sequence[str]
    try_subject: str
    sample: Sample | None


def calls_wanted(campaign: Campaign, wanted: CallFilter) -> QuerySet[ModelCall]:
    """The calls that fit the filter."""
    rows = ModelCall.objects.filter(campaign=campaign)
    if wanted.role:
        rows = rows.filter(role=wanted.role)
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    if wanted.subject:
        rows = rows.filter(subject__in=[wanted.subject, f"{wanted.subject}{REPAIR}"])
    return rows


def calls_found(campaign: Campaign, wanted: CallFilter, before: int | None) -> list[dict[str, Any]]:
    """Up to PAGE + 1 calls, newest first, with smaller ids than ``before``; none of their texts is read."""
    rows = calls_wanted(campaign, wanted)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-id").values(*ROW_FIELDS)[: PAGE + 1])


def call_of(campaign: Campaign, pk: int) -> ModelCall:
    """A call of this campaign; NotFound for another campaign's."""
    call = ModelCall.objects.select_related("endpoint", "job").filter(campaign=campaign, pk=pk).first()
    if call is None:
        raise NotFound(f"There is no call {pk} in {campaign.name}.")
    return call


def call_view(call: ModelCall) -> CallView:
    """The call with its words and pictures told apart."""
    inputs = dict(call.inputs)
    text, pictures = inputs.pop("text", ""), inputs.pop("images", [])
    told = json.dumps(inputs, indent=1, ensure_ascii=False) if inputs else ""
    answers = [] if call.tool else [readable(choice) for choice in call.choices]
    return CallView(
        call=call,
        system=prompt_on_file(call.prompt_version),
        text="\n".join(part for part in (text, told) if part),
        pictures=pictures,
        answers=answers,
        answered_pictures=call.choices if call.tool else [],
        try_subject=call.subject.removesuffix(REPAIR),
        sample=sample_of_call(call),
    )


def sample_of_call(call: ModelCall) -> Sample | None:
    """The sample of the try that the call was made for, wherever people moved it since; None while there is none.

    Mixtures with the same hash share their calls: the newest one's sample is meant.
    """
    named = OF_A_TRY.fullmatch(call.subject.removesuffix(REPAIR))
    if named is None:
        return None
    mixtures = Mixture.objects.filter(campaign=call.campaign_id, manifest_hash__startswith=named["mixture"])
    slots = Slot.objects.filter(mixture__in=mixtures, index=int(named["slot"]))
    moves = SampleDecision.objects.filter(decision="reassign", undone_at=None, try_before=int(named["try_ix"]))
    moved = moves.filter(slot_before__in=slots).select_related("sample").order_by("-slot_before__mixture", "pk").first()
    if moved is not None:
        return moved.sample
    return Sample.objects.filter(slot__in=slots, try_ix=int(named["try_ix"])).order_by("-slot__mixture").first()


def readable(choice: str) -> str:
    """A model's reply with its JSON spread over lines; as it came where it is none."""
    try:
        return json.dumps(json.loads(choice), indent=1, ensure_ascii=False)
    except ValueError:
        return choice
