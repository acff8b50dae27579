"""What the ledger's pages read: what was spent by role, calls page by page, and one call with all that was said."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, Q, QuerySet, Sum

from core.asking import REPAIR
from core.errors import NotFound
from core.models import Campaign, ModelCall
from datagen.agents.requests import prompt_on_file

PAGE = 50
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
class Spent:
    """What one role spent at one endpoint or tool. ``twice`` counts calls that are perhaps paid twice."""

    role: str
    by: str
    num: int
    tokens_in: int
    tokens_out: int
    cost: Decimal
    failed: int
    unknown: int
    twice: int
    latency_ms: float | None


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


def calls_spent(campaign: Campaign) -> list[Spent]:
    """What was spent by role and endpoint; one aggregate query."""
    rows = ModelCall.objects.filter(campaign=campaign).order_by("role", "tool", "endpoint__model")
    groups = rows.values_list("role", "endpoint__model", "tool").annotate(
        num=Count("pk"),
        sum_in=Sum("tokens_in"),
        sum_out=Sum("tokens_out"),
        money=Sum("cost"),
        failed=Count("pk", filter=Q(status="failed")),
        unknown=Count("pk", filter=Q(status="unknown")),
        twice=Count("pk", filter=Q(num_sent__gt=1)),
        mean_ms=Avg("latency_ms", filter=Q(status="answered", endpoint__isnull=False)),
    )
    return [Spent(role, model or tool, *numbers) for role, model, tool, *numbers in groups]


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
    )


def readable(choice: str) -> str:
    """A model's reply with its JSON spread over lines; as it came where it is none."""
    try:
        return json.dumps(json.loads(choice), indent=1, ensure_ascii=False)
    except ValueError:
        return choice
