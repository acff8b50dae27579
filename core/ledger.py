"""The ledger: a call's row is committed before it is sent, its answer before anything uses it.

Writes of all coroutines go through one writer that commits whatever has gathered (group commit); a coroutine
goes on only when its own write is on the disk. A stored answer is never asked for again.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import openai
from asgiref.sync import sync_to_async
from django.db.models import F
from django.utils import timezone

from core.errors import DpeError, NotConfigured, UpstreamRefused
from core.group_writer import GroupWriter
from core.jobs.context import JobContext
from core.models import Endpoint, ModelCall
from core.provider import CallAnswer, CallRequest, client_open, send

BEAT_S = 1.0
CHUNK = 500
Asked = tuple[Endpoint, CallRequest]


@dataclass
class Ledger:
    """Asks endpoints on behalf of one job and remembers every call.

    ``done``, ``total`` and ``unit`` are what the job shows while calls are made. ``answered`` counts by role.
    """

    context: JobContext
    endpoints: dict[str, Endpoint]
    writer: GroupWriter
    done: int = 0
    total: int = 0
    unit: str = "samples"
    answered: Counter[str] = field(default_factory=Counter)
    _clients: dict[tuple[str, str, float], openai.AsyncOpenAI] = field(default_factory=dict)
    _gates: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    def endpoint(self, role: str) -> Endpoint:
        """Who plays ``role``; NotConfigured when nobody does."""
        if role not in self.endpoints:
            raise NotConfigured(f"This campaign has no endpoint for the role {role}: set one.")
        return self.endpoints[role]

    async def ask(self, request: CallRequest) -> CallAnswer:
        """The stored answer of this very call, or a new one that is stored before it is returned."""
        endpoint = self.endpoint(request.role)
        async with self._gates.setdefault(request.role, asyncio.Semaphore(endpoint.concurrency)):
            call = await self.writer.write(self._open, (endpoint, request))
            if call.status == "answered":
                answer = CallAnswer(tuple(call.choices), call.tokens_in, call.tokens_out)
            else:
                answer = await self._send(call, endpoint, request)
        self.answered[request.role] += 1
        return answer

    async def _send(self, call: ModelCall, endpoint: Endpoint, request: CallRequest) -> CallAnswer:
        started = time.monotonic()
        try:
            answer = await send(self._client(endpoint), endpoint, request)
        except DpeError as error:
            call.status = "failed" if isinstance(error, UpstreamRefused) else "unknown"
            call.error = str(error)
            await self.writer.write(calls_close, call)
            raise
        call.status, call.choices = "answered", list(answer.choices)
        call.tokens_in, call.tokens_out = answer.tokens_in, answer.tokens_out
        call.cost = answer.cost(endpoint)
        call.latency_ms = int(1000 * (time.monotonic() - started))
        await self.writer.write(calls_close, call)
        return answer

    def _open(self, asked: list[Asked]) -> list[ModelCall]:
        return calls_open(self.context, asked)

    def _client(self, endpoint: Endpoint) -> openai.AsyncOpenAI:
        place = (endpoint.base_url, endpoint.key_env, endpoint.timeout_s)
        if place not in self._clients:
            self._clients[place] = client_open(endpoint)
        return self._clients[place]

    async def keep_lease(self) -> None:
        """Show progress and renew the job's lease while calls are waited for; JobCancelled and LeaseLost end the work.

        This beats in the loop that does the work: a loop that is stuck falls silent with it, and a call that hangs
        ends by its own time-out.
        """
        while True:
            await asyncio.sleep(BEAT_S)
            await sync_to_async(self.context.progress)(self.done, self.total, self.unit, force=True)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()


def calls_open(context: JobContext, asked: list[Asked]) -> list[ModelCall]:
    """The row of each call: as answered before, or sent (again, when a kill left it in flight)."""
    fresh = {request.idempotency_key(endpoint): (endpoint, request) for endpoint, request in asked}
    known = calls_known(list(fresh))
    new = [call_row(context, key, *fresh[key]) for key in fresh if key not in known]
    ModelCall.objects.bulk_create(new, batch_size=CHUNK, ignore_conflicts=True)
    again = [call for call in known.values() if call.status != "answered"]
    for call in again:
        call.status, call.num_sent = "sent", call.num_sent + 1
    resent = ModelCall.objects.filter(pk__in=[call.pk for call in again])
    if again:
        resent.update(status="sent", num_sent=F("num_sent") + 1, error="", job=context.job)
    known |= {call.idempotency_key: call for call in new}
    return [known[request.idempotency_key(endpoint)] for endpoint, request in asked]


def calls_known(keys: list[str]) -> dict[str, ModelCall]:
    """The calls with these keys that were made before."""
    chunks = (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))
    rows = (row for chunk in chunks for row in ModelCall.objects.filter(idempotency_key__in=chunk))
    return {row.idempotency_key: row for row in rows}


def call_row(context: JobContext, key: str, endpoint: Endpoint, request: CallRequest) -> ModelCall:
    """The row of a call that was never made."""
    return ModelCall(
        idempotency_key=key,
        campaign_id=endpoint.campaign_id,
        endpoint=endpoint,
        job=context.job,
        role=request.role,
        subject=request.subject,
        request_hash=request.request_hash,
        prompt_version=request.prompt_version,
    )


def calls_close(calls: list[ModelCall]) -> list[None]:
    """Store how calls ended."""
    now = timezone.now()
    names = ("status", "choices", "tokens_in", "tokens_out", "cost", "latency_ms", "error")
    for call in calls:
        news = {name: getattr(call, name) for name in names}
        ModelCall.objects.filter(idempotency_key=call.idempotency_key).update(answered_at=now, **news)
    return [None] * len(calls)


def calls_mark_unknown(context: JobContext) -> int:
    """Calls that were in flight when an earlier attempt died; how many. They may be paid twice, and are shown so."""
    return ModelCall.objects.filter(job=context.job, status="sent").update(status="unknown")


@asynccontextmanager
async def ledger_open(context: JobContext) -> AsyncIterator[Ledger]:
    """A ledger with its writer running and the job's lease kept, for the length of one job's work."""
    assert context.job.campaign is not None
    rows = [row async for row in Endpoint.objects.filter(campaign=context.job.campaign)]
    await sync_to_async(calls_mark_unknown)(context)
    ledger = Ledger(context, {row.role: row for row in rows}, GroupWriter(context.writing))
    try:
        with first_error():
            async with asyncio.TaskGroup() as group:
                helpers = [group.create_task(ledger.writer.serve()), group.create_task(ledger.keep_lease())]
                yield ledger
                for helper in helpers:
                    helper.cancel()
    finally:
        await ledger.close()


async def gather_bounded(work: Sequence[Callable[[], Awaitable[None]]], limit: int) -> None:
    """Run all, at most ``limit`` at once and started in order; the first error ends the rest."""
    waiting = iter(work)

    async def one_after_another() -> None:
        for start in waiting:
            await start()

    with first_error():
        async with asyncio.TaskGroup() as group:
            for _ in range(min(limit, len(work))):
                group.create_task(one_after_another())


@contextmanager
def first_error() -> Iterator[None]:
    """Raise the first error of a task group in place of the group."""
    try:
        yield
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
