"""What is reserved of budgets for calls in flight. All of it happens under the lock of the budgets' rows.

Its worst case is reserved before a call is sent. Its answer replaces that by what it used; a call without an answer may
have been paid and keeps its worst case as spent; a refused one took nothing. What a killed worker left in flight is
such a call without an answer.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet, Sum

from core.domain.budget import Shortfall, Spend, fits
from core.image_edits import EditRequest
from core.models import Budget, Endpoint, ModelCall
from core.models.budgets import PARTS
from core.provider import CallRequest
from core.worst_case import picture_sizes, worst_case

Request = CallRequest | EditRequest
IN_FLIGHT = Q(status="sent", endpoint__isnull=False)
LOST = {
    "lost_money": F("lost_money") + F("reserved_money"),
    "lost_tokens": F("lost_tokens") + F("reserved_tokens"),
    "reserved_money": 0,
    "reserved_tokens": 0,
}
COUNTED = ("money", "tokens", "calls")
COUNTERS = tuple(f"{part}_{kind}" for part in PARTS for kind in COUNTED)


@dataclass(frozen=True)
class Short:
    """Why a call was not sent: whose cap it might cross, and how."""

    scope: str
    shortfall: Shortfall


def scopes_of(scope: str) -> tuple[str, ...]:
    """The budgets that a call counts for: the campaign's, and its own scope's."""
    return ("", scope) if scope else ("",)


@dataclass(frozen=True)
class Terms:
    """On what a ledger's worst cases rest: ``drain_s`` is how long calls in flight may take once no more are sent."""

    drain_s: float
    picture_tokens: int = 0


def reservations_take(
    campaign_id: int, wanted: Mapping[str, tuple[Endpoint, Request]], terms: Terms
) -> dict[str, Spend | Short]:
    """By key: what is reserved for the call from now on, or why it must not be sent. Call inside a transaction."""
    budgets = budgets_lock(campaign_id, {request.scope for _, request in wanted.values()})
    sizes = picture_sizes(request for _, request in wanted.values())
    found: dict[str, Spend | Short] = {}
    for key, (endpoint, request) in wanted.items():
        amount = worst_case(endpoint, request, sizes, terms.picture_tokens)
        mine = [budgets[scope] for scope in scopes_of(request.scope)]
        short = first_short(mine, amount + Spend(seconds=terms.drain_s))
        found[key] = short or amount
        if short is None:
            for budget in mine:
                move(budget, "reserved", amount)
    budgets_store(budgets.values())
    return found


def first_short(budgets: Sequence[Budget], wanted: Spend) -> Short | None:
    """The cap that stands in the way, if any; one that waiting does not help comes first."""
    shorts = [(one.scope, fits(one.caps, one.spent, one.reserved, wanted)) for one in budgets]
    found = [Short(scope, short) for scope, short in shorts if short]
    return min(found, key=lambda short: short.shortfall.may_settle, default=None)


def reservations_settle(ended: Iterable[ModelCall]) -> None:
    """Replace what was reserved for calls by what they took. Call in the transaction that stores how they ended."""
    by_campaign: dict[int, list[ModelCall]] = defaultdict(list)
    for call in ended:
        by_campaign[call.campaign_id].append(call)
    for campaign_id, calls in by_campaign.items():
        budgets = budgets_lock(campaign_id, {call.scope for call in calls})
        for call in calls:
            for budget in (budgets[scope] for scope in scopes_of(call.scope)):
                move(budget, "reserved", reserved_of(call), back=True)
                move(budget, "spent", took(call))
                move(budget, "lost", reserved_of(call) if call.status == "unknown" else Spend())
        budgets_store(budgets.values())


def reserved_of(call: ModelCall) -> Spend:
    """What is reserved for a call in flight."""
    return Spend(call.reserved_money, call.reserved_tokens, 1)


def took(call: ModelCall) -> Spend:
    """What a send took that has just ended: its answer's cost, or its worst case where nobody knows."""
    if call.status == "unknown":
        return reserved_of(call)
    return Spend(call.cost, call.tokens_in + call.tokens_out, 1) if call.status == "answered" else Spend(calls=1)


def release(call: ModelCall) -> None:
    """Nothing is reserved any more for a call that has ended; without an answer its worst case is lost."""
    if call.status == "unknown":
        call.lost_money += call.reserved_money
        call.lost_tokens += call.reserved_tokens
    call.reserved_money, call.reserved_tokens = Decimal(0), 0


def calls_lost(campaign_id: int, own_job_id: int | None = None) -> int:
    """Calls that dead attempts left in flight are unknown from now on and may have been paid; how many.

    ``own_job_id`` is the job of an attempt that begins. What is reserved is counted anew: exactly the worst cases of
    the calls that live jobs have in flight.
    """
    with transaction.atomic():
        flying = ModelCall.objects.filter(IN_FLIGHT, campaign=campaign_id)
        dead = flying.filter(~Q(job__status="running") | Q(job__isnull=True) | Q(job=own_job_id))
        scopes = set(Budget.objects.filter(campaign=campaign_id).values_list("scope", flat=True))
        budgets = budgets_lock(campaign_id, scopes)
        lost = sums_by_scope(dead)
        number = call_rows_lose(dead)
        left = sums_by_scope(flying)
        for scope, budget in budgets.items():
            for part in ("spent", "lost"):
                move(budget, part, total_of(lost, scope))
            move(budget, "reserved", budget.reserved, back=True)
            move(budget, "reserved", total_of(left, scope))
        budgets_store(budgets.values())
    return number


def call_rows_lose(calls: QuerySet[ModelCall]) -> int:
    """Mark these calls as unknown; what was reserved for each is lost to a send that nobody answered."""
    rows = ModelCall.objects.filter(pk__in=list(calls.values_list("pk", flat=True)))
    return rows.update(status="unknown", **LOST)


def sums_by_scope(calls: QuerySet[ModelCall]) -> dict[str, Spend]:
    """What is reserved for calls in flight, by scope."""
    rows = calls.order_by().values_list("scope").annotate(Sum("reserved_money"), Sum("reserved_tokens"), Count("pk"))
    return {scope: Spend(money, tokens, number) for scope, money, tokens, number in rows}


def total_of(by_scope: Mapping[str, Spend], scope: str) -> Spend:
    """The scope's part; all of it for the campaign."""
    if scope:
        return by_scope.get(scope, Spend())
    return sum(by_scope.values(), Spend())


def budgets_lock(campaign_id: int, scopes: set[str]) -> dict[str, Budget]:
    """The campaign's budget and those of these scopes, made where they are missing, locked in one order."""
    wanted = {"", *scopes}
    rows = Budget.objects.select_for_update().filter(campaign=campaign_id, scope__in=wanted).order_by("scope")
    found = {row.scope: row for row in rows}
    if found.keys() != wanted:
        for scope in sorted(wanted - found.keys()):
            Budget.objects.get_or_create(campaign_id=campaign_id, scope=scope, defaults=counted(campaign_id, scope))
        found = {row.scope: row for row in rows.all()}
    return found


def counted(campaign_id: int, scope: str) -> dict[str, Any]:
    """The counters of a budget as the ledger's rows have them: for one that is made after its first calls."""
    calls = ModelCall.objects.filter(campaign=campaign_id, endpoint__isnull=False)
    calls = calls.filter(scope=scope) if scope else calls
    names = (
        "cost",
        "lost_money",
        "tokens_in",
        "tokens_out",
        "lost_tokens",
        "num_sent",
        "reserved_money",
        "reserved_tokens",
    )
    sums = calls.aggregate(flying=Count("pk", filter=IN_FLIGHT), **{name: Sum(name, default=0) for name in names})
    return {
        "spent_money": sums["cost"] + sums["lost_money"],
        "spent_tokens": sums["tokens_in"] + sums["tokens_out"] + sums["lost_tokens"],
        "spent_calls": sums["num_sent"] - sums["flying"],
        "lost_money": sums["lost_money"],
        "lost_tokens": sums["lost_tokens"],
        "reserved_money": sums["reserved_money"],
        "reserved_tokens": sums["reserved_tokens"],
        "reserved_calls": sums["flying"],
    }


def move(budget: Budget, part: str, amount: Spend, *, back: bool = False) -> None:
    """Add the amount to a part of a locked budget, or take it back; never below nothing. Time is counted apart."""
    for kind in COUNTED:
        name, by = f"{part}_{kind}", getattr(amount, kind)
        setattr(budget, name, max(getattr(budget, name) - by, by * 0) if back else getattr(budget, name) + by)


def budgets_store(budgets: Iterable[Budget]) -> None:
    """Store the counters of locked rows; caps and time are others' to write."""
    for budget in budgets:
        Budget.objects.filter(pk=budget.pk).update(**{name: getattr(budget, name) for name in COUNTERS})


def seconds_spend(campaign_id: int, scopes: set[str], seconds: float, ahead_s: float) -> Short | None:
    """Count time in which a job made calls; the cap that ``ahead_s`` seconds more would cross, if any."""
    mine = Budget.objects.filter(campaign=campaign_id, scope__in={"", *scopes})
    mine.update(spent_seconds=F("spent_seconds") + seconds)
    spent = mine.filter(cap_seconds__isnull=False, spent_seconds__gt=F("cap_seconds") - ahead_s).order_by("scope")
    return first_short(list(spent[:1]), Spend(seconds=ahead_s))
