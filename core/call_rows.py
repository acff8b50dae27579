"""The rows of calls: opened before they are sent, closed when they end; budgets are asked and told in between."""

from django.utils import timezone

from core.bulk_rows import rows_update
from core.domain.budget import Spend
from core.image_edits import EditRequest
from core.jobs.context import JobContext
from core.models import Endpoint, ModelCall
from core.provider import CallRequest
from core.reservations import Short, Terms, release, reservations_settle, reservations_take

CHUNK = 500
CLOSED = (
    *("status", "choices", "finish", "tokens_in", "tokens_out", "cost", "latency_ms", "error", "answered_at"),
    *("num_refused", "reserved_money", "reserved_tokens", "lost_money", "lost_tokens"),
)
Request = CallRequest | EditRequest
Asked = tuple[Endpoint, Request]


def calls_open(context: JobContext, asked: list[Asked], terms: Terms) -> list[ModelCall | Short]:
    """The row of each call: as answered before, or sent (again, when a kill left it in flight) with its worst
    case; in place of one that fits no budget, why.
    """
    assert context.job.campaign_id is not None
    fresh = {request.idempotency_key(endpoint): (endpoint, request) for endpoint, request in asked}
    known = calls_known(list(fresh))
    unpaid = {key: one for key, one in fresh.items() if key not in known or known[key].status != "answered"}
    found = reservations_take(context.job.campaign_id, unpaid, terms) if unpaid else {}
    short = {key: amount for key, amount in found.items() if isinstance(amount, Short)}
    paid = {key: amount for key, amount in found.items() if isinstance(amount, Spend)}
    new = [reserve_set(call_row(context, key, *fresh[key]), amount) for key, amount in paid.items() if key not in known]
    ModelCall.objects.bulk_create(new, batch_size=CHUNK, ignore_conflicts=True)
    for key in paid.keys() & known.keys():
        call_resend(context, reserve_set(known[key], paid[key]))
    rows: dict[str, ModelCall | Short] = {**known, **{call.idempotency_key: call for call in new}, **short}
    return [rows[request.idempotency_key(endpoint)] for endpoint, request in asked]


def call_resend(context: JobContext, call: ModelCall) -> None:
    """Note that a call which got no answer is sent once more."""
    call.status, call.num_sent = "sent", call.num_sent + 1
    names = ("status", "num_sent", "reserved_money", "reserved_tokens")
    news = {name: getattr(call, name) for name in names}
    ModelCall.objects.filter(pk=call.pk).update(error="", job=context.job, **news)


def reserve_set(call: ModelCall, amount: Spend) -> ModelCall:
    """The call with what is reserved for it."""
    call.reserved_money, call.reserved_tokens = amount.money, amount.tokens
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
    """Store how calls ended, and let budgets count what they took in place of what was reserved."""
    now = timezone.now()
    reservations_settle(calls)
    for call in calls:
        call.answered_at = now
        release(call)
    rows_update(calls, CLOSED, key="idempotency_key")
    return [None] * len(calls)
