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
from random import Random

import openai
from asgiref.sync import sync_to_async
from django.db.models import F
from django.utils import timezone

from core.errors import DpeError, NotConfigured
from core.group_writer import GroupWriter
from core.image_edits import EditRequest, send_edit
from core.jobs.context import JobContext
from core.media import Picture, media_store, write_files
from core.models import Endpoint, ModelCall
from core.pace import Turn
from core.provider import CallAnswer, CallRequest, client_open, send
from core.sending import Request, Send, Sending
from core.servers import Servers
from core.tool_calls import ToolUse, tool_uses_store, tools_used

BEAT_S = 1.0
CHUNK = 500
Asked = tuple[Endpoint, Request]


@dataclass
class Ledger:
    """Asks endpoints on behalf of one job and remembers every call.

    ``done``, ``total`` and ``unit`` are what the job shows while calls are made. ``answered`` counts by role.
    """

    context: JobContext
    endpoints: dict[str, Endpoint]
    writer: GroupWriter
    servers: Servers
    done: int = 0
    total: int = 0
    unit: str = "samples"
    answered: Counter[str] = field(default_factory=Counter)
    _clients: dict[tuple[str, str, float], openai.AsyncOpenAI] = field(default_factory=dict)

    def endpoint(self, role: str) -> Endpoint:
        """Who plays ``role``; NotConfigured when nobody does."""
        if role not in self.endpoints:
            raise NotConfigured(f"This campaign has no endpoint for the role {role}: set one.")
        return self.endpoints[role]

    def has(self, role: str) -> bool:
        """Whether anybody plays ``role``."""
        return role in self.endpoints

    async def ask(self, request: CallRequest) -> CallAnswer:
        """The stored answer of this very call, or a new one that is stored before it is returned."""
        endpoint = self.endpoint(request.role)
        return await self._once(endpoint, request, lambda client: send(client, endpoint, request))

    async def edit(self, request: EditRequest) -> tuple[str, ...]:
        """Edited pictures by sha256, from the ledger or new; they are stored before they are returned."""
        endpoint = self.endpoint(request.role)

        async def send_and_keep(client: openai.AsyncOpenAI) -> CallAnswer:
            pictures = await send_edit(client, endpoint, request)
            await self._keep(pictures)
            return CallAnswer(tuple(picture.sha256 for picture in pictures), num_images=len(pictures))

        return (await self._once(endpoint, request, send_and_keep)).choices

    async def edit_here(self, use: ToolUse, work: Callable[[], list[Picture]]) -> tuple[str, ...]:
        """Edited pictures by sha256, from the ledger or by ``work``, which runs in a thread of its own."""
        campaign_id = self.context.job.campaign_id or 0
        known = await sync_to_async(tools_used)(campaign_id, [use])
        if not known:
            pictures = await asyncio.to_thread(work)
            await self._keep(pictures)
            known = {use.key(campaign_id): [picture.sha256 for picture in pictures]}
            await self.writer.write(self._store_uses, (use, known[use.key(campaign_id)]))
        return tuple(known[use.key(campaign_id)])

    async def _once(self, endpoint: Endpoint, request: Request, send_it: Send) -> CallAnswer:
        """Every try takes a turn at its server; the row is opened in the first one, so that what waits is not sent."""
        server = self.servers.server(endpoint)
        sending = Sending(endpoint, request, send_it, server.caller())

        async def one_try(turn: Turn) -> CallAnswer:
            return await self._try(sending, turn)

        try:
            answer = await server.ask(endpoint.role, one_try, sending.caller)
        except DpeError as error:
            await self._close_call(sending.unanswered(error))
            raise
        await self._close_call(sending.answered(answer))
        self.answered[request.role] += 1
        return answer

    async def _try(self, sending: Sending, turn: Turn) -> CallAnswer:
        if sending.call is None:
            sending.call = await self.writer.write(self._open, (sending.endpoint, sending.request))
        if stored := sending.stored():
            turn.is_unused = True
            return stored
        started = time.monotonic()
        answer = await sending.send_it(self._client(sending.endpoint))
        sending.latency_ms = int(1000 * (time.monotonic() - started))
        return answer

    async def _close_call(self, call: ModelCall | None) -> None:
        if call:
            await self.writer.write(calls_close, call)

    async def _keep(self, pictures: list[Picture]) -> None:
        """Files first, in a thread of their own, then the rows."""
        for picture in pictures:
            await asyncio.to_thread(write_files, picture)
        await self.writer.write(self._store_media, pictures)

    def _open(self, asked: list[Asked]) -> list[ModelCall]:
        return calls_open(self.context, asked)

    def _store_uses(self, done: list[tuple[ToolUse, list[str]]]) -> list[None]:
        return tool_uses_store(self.context, done)

    def _store_media(self, kept: list[list[Picture]]) -> list[None]:
        assert self.context.job.campaign is not None
        media_store(self.context.job.campaign, [picture for pictures in kept for picture in pictures])
        return [None] * len(kept)

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
            if self.servers.are_due():
                await self.limits_refresh()

    async def limits_refresh(self) -> None:
        """Move the ceilings to what the endpoints' rows say by now, and show on them how their servers stand."""
        await self.servers.refresh(self.endpoints)

    async def close(self) -> None:
        """Close all connections, and show how the servers stood at the end."""
        for client in self._clients.values():
            await client.close()
        await self.servers.close()


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
        request_hash=request.request_hash,
        prompt_version=request.prompt_version,
        inputs=request.inputs,
    )


def calls_close(calls: list[ModelCall]) -> list[None]:
    """Store how calls ended."""
    now = timezone.now()
    names = ("status", "choices", "finish", "tokens_in", "tokens_out", "cost", "latency_ms", "error", "num_refused")
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
    servers = Servers(context, Random(context.job.pk))  # noqa: S311 - spreads retries
    ledger = Ledger(context, {row.role: row for row in rows}, GroupWriter(context.writing), servers)
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
