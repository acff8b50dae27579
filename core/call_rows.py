"""The rows of calls: opened before they are sent, closed when they end; budgets are asked and told in between."""

from django.utils import timezone

from core.budget_holds import Short, Terms, holds_settle, holds_take, released
from core.domain.budget import Spend
from core.image_edits import EditRequest
from core.jobs.context import JobContext
from core.models import Endpoint, ModelCall
from core.provider import CallRequest

CHUNK = 500
Request = CallRequest | EditRequest
Asked = tuple[Endpoint, Request]


def calls_open(context: JobContext, asked: list[Asked], terms: Terms) -> list[ModelCall | Short]:
    """The row of each call: as answered before, or sent (again, when a kill left it in flight) and holding its worst
    case; in place of one that fits no budget, why.
    """
    assert context.job.campaign_id is not None
    fresh = {request.idempotency_key(endpoint): (endpoint, request) for endpoint, request in asked}
    known = calls_known(list(fresh))
    unpaid = {key: one for key, one in fresh.items() if key not in known or known[key].status != "answered"}
    holds = holds_take(context.job.campaign_id, unpaid, terms) if unpaid else {}
    short = {key: hold for key, hold in holds.items() if isinstance(hold, Short)}
    held = {key: hold for key, hold in holds.items() if isinstance(hold, Spend)}
    new = [hold_set(call_row(context, key, *fresh[key]), hold) for key, hold in held.items() if key not in known]
    ModelCall.objects.bulk_create(new, batch_size=CHUNK, ignore_conflicts=True)
    for key in held.keys() & known.keys():
        call_resend(context, hold_set(known[key], held[key]))
    rows: dict[str, ModelCall | Short] = {**known, **{call.idempotency_key: call for call in new}, **short}
    return [rows[request.idempotency_key(endpoint)] for endpoint, request in asked]


def call_resend(context: JobContext, call: ModelCall) -> None:
    """Note that a call which got no answer is sent once more."""
    call.status, call.num_sent = "sent", call.num_sent + 1
    names = ("status", "num_sent", "held_money", "held_tokens")
    news = {name: getattr(call, name) for name in names}
    ModelCall.objects.filter(pk=call.pk).update(error="", job=context.job, **news)


def hold_set(call: ModelCall, hold: Spend) -> ModelCall:
    """The call with what it holds."""
    call.held_money, call.held_tokens = hold.money, hold.tokens
    return call


def calls_known(keys: list[str]) -> dict[str, ModelCall]:
    """The calls with these keys that were made before."""
    chunks = (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))
    rows = (row for chunk in chunks for row in ModelCall.objects.filter(idempotency_key__in=chunk))
    return {row.idempotency_key: row for row in rows}


def call_row(context: JobContext, key: str, endpoint: Endpoint, request: Request) -> ModelCall:
    """The row of a call that was never made."""
    return ModelCall(
        idempotency_key=key,
        campaign_id=endpoint.campaign_id,
        endpoint=endpoint,
        job=context.job,
        role=request.role,
        tool=request.tool,
        subject=request.subject,
        scope=request.scope,
        round_number=context.round_number,
        skill=request.skill,
        request_hash=request.request_hash,
        prompt_version=request.prompt_version,
        inputs=request.inputs,
    )


def calls_close(calls: list[ModelCall]) -> list[None]:
    """Store how calls ended, and let budgets count what they took in place of what they held."""
    now = timezone.now()
    holds_settle(calls)
    names = ("status", "choices", "finish", "tokens_in", "tokens_out", "cost", "latency_ms", "error")
    for call in calls:
        news = {name: getattr(call, name) for name in names}
        ModelCall.objects.filter(idempotency_key=call.idempotency_key).update(answered_at=now, **news, **released(call))
    return [None] * len(calls)
