"""The ledger: a call's row is committed before it is sent, its answer before anything uses it.

Writes of all coroutines go through one writer that commits whatever has gathered (group commit); a coroutine
goes on only when its own write is on the disk. A stored answer is never asked for again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import openai
from asgiref.sync import sync_to_async
from django.utils import timezone

from core.errors import DpeError, UpstreamRefused
from core.jobs.context import JobContext
from core.models import Endpoint, ModelCall
from core.provider import CallAnswer, CallRequest, client_open, send

Value = TypeVar("Value")
Write = Callable[[], Any]


class GroupWriter:
    """One writer for many coroutines: every waiting write goes into the next transaction."""

    def __init__(self, writing: Callable[[], AbstractContextManager[None]]) -> None:
        self._writing = writing
        self._queue: asyncio.Queue[tuple[Write, asyncio.Future[Any]]] = asyncio.Queue()

    async def write(self, write: Callable[[], Value]) -> Value:
        """Run ``write`` inside the next transaction; returns when that is committed."""
        future: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((write, future))
        return await future

    async def serve(self) -> None:
        """Commit what has gathered, again and again, until cancelled."""
        while True:
            batch = [await self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._commit(batch)

    async def _commit(self, batch: list[tuple[Write, "asyncio.Future[Any]"]]) -> None:
        try:
            values = await sync_to_async(self._run)([write for write, _ in batch])
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), value in zip(batch, values, strict=True):
            if not future.done():
                future.set_result(value)

    def _run(self, writes: list[Write]) -> list[Any]:
        with self._writing():
            return [write() for write in writes]


@dataclass
class Ledger:
    """Asks endpoints on behalf of one job and remembers every call."""

    context: JobContext
    endpoints: dict[str, Endpoint]
    writer: GroupWriter
    clients: dict[str, openai.AsyncOpenAI] = field(default_factory=dict)
    gates: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    async def ask(self, request: CallRequest) -> CallAnswer:
        """The stored answer of this very call, or a new one that is stored before it is returned."""
        endpoint = self.endpoints[request.role]
        call = await self.writer.write(lambda: call_open(self.context, endpoint, request))
        if call.status == "answered":
            return CallAnswer(tuple(call.choices), call.tokens_in, call.tokens_out)
        async with self.gates.setdefault(request.role, asyncio.Semaphore(endpoint.concurrency)):
            return await self._send(call, endpoint, request)

    async def _send(self, call: ModelCall, endpoint: Endpoint, request: CallRequest) -> CallAnswer:
        client = self.clients.setdefault(endpoint.base_url, client_open(endpoint))
        started = time.monotonic()
        try:
            answer = await send(client, endpoint, request)
        except DpeError as error:
            message = str(error)
            status = "failed" if isinstance(error, UpstreamRefused) else "unknown"
            await self.writer.write(lambda: call_close(call, status=status, error=message))
            raise
        news = {
            "status": "answered",
            "choices": list(answer.choices),
            "tokens_in": answer.tokens_in,
            "tokens_out": answer.tokens_out,
            "cost": answer.cost(endpoint),
            "latency_ms": int(1000 * (time.monotonic() - started)),
        }
        await self.writer.write(lambda: call_close(call, **news))
        return answer

    async def close(self) -> None:
        """Close all connections."""
        for client in self.clients.values():
            await client.close()


def call_open(context: JobContext, endpoint: Endpoint, request: CallRequest) -> ModelCall:
    """The row of this call: as answered before, or sent (again, when a kill left it in flight)."""
    key = request.idempotency_key(endpoint)
    call, is_new = ModelCall.objects.get_or_create(
        idempotency_key=key,
        defaults={
            "campaign_id": endpoint.campaign_id,
            "endpoint": endpoint,
            "job": context.job,
            "role": request.role,
            "subject": request.subject,
            "request_hash": request.request_hash,
            "prompt_version": request.prompt_version,
        },
    )
    if not is_new and call.status != "answered":
        call.num_sent += 1
        ModelCall.objects.filter(pk=call.pk).update(status="sent", num_sent=call.num_sent, error="")
    return call


def call_close(call: ModelCall, **news: Any) -> None:
    """Store how a call ended."""
    ModelCall.objects.filter(pk=call.pk).update(answered_at=timezone.now(), **news)


def calls_mark_unknown(context: JobContext) -> int:
    """Calls that were in flight when an earlier attempt died; how many. They may be paid twice, and are shown so."""
    return ModelCall.objects.filter(job=context.job, status="sent").update(status="unknown")


@asynccontextmanager
async def ledger_open(context: JobContext) -> AsyncIterator[Ledger]:
    """A ledger with its writer running, for the length of one job's work."""
    assert context.job.campaign is not None
    rows = [row async for row in Endpoint.objects.filter(campaign=context.job.campaign)]
    await sync_to_async(calls_mark_unknown)(context)
    writer = GroupWriter(context.writing)
    ledger = Ledger(context, {row.role: row for row in rows}, writer)
    serving = asyncio.create_task(writer.serve())
    try:
        yield ledger
    finally:
        serving.cancel()
        await ledger.close()


async def gather_bounded(work: list[Callable[[], Awaitable[None]]], limit: int) -> None:
    """Run all, at most ``limit`` at once; the first error ends the rest."""
    gate = asyncio.Semaphore(limit)

    async def one(start: Callable[[], Awaitable[None]]) -> None:
        async with gate:
            await start()

    try:
        async with asyncio.TaskGroup() as group:
            for start in work:
                group.create_task(one(start))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
