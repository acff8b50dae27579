"""The ledger: a call's row is committed before it is sent, its answer before anything uses it.

Writes of all coroutines go through one writer that commits whatever has gathered (group commit); a coroutine
goes on only when its own write is on the disk. A stored answer is never asked for again.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import openai
from asgiref.sync import sync_to_async

from core.call_rows import Asked, calls_close, calls_open
from core.capabilities import learned_store, takes_no_pictures
from core.concurrency import slots_at_once
from core.errors import DpeError, JobPaused, NotConfigured, UpstreamRefused
from core.group_writer import GroupWriter
from core.image_edits import EditRequest, send_edit
from core.jobs.context import JobContext
from core.ledger_budget import LedgerBudget
from core.media import Picture, media_store, write_files
from core.models import Endpoint, ModelCall
from core.provider import CallAnswer, CallRefused, CallRequest, client_open, send
from core.reservations import Short, calls_lost
from core.room import Room, first_error
from core.servers import Servers
from core.tool_calls import ToolUse, tool_uses_store, tools_used
from core.valve import Valve

BEAT_S = 1.0
HOME_LOOK_S = 0.01
Request = CallRequest | EditRequest
Send = Callable[[openai.AsyncOpenAI], Awaitable[CallAnswer]]


@dataclass
class Ledger:
    """Asks endpoints on behalf of one job and remembers every call.

    ``done``, ``total`` and ``unit`` are what the job shows while calls are made. ``answered`` counts by role.
    ``slots`` is the room for slots that are worked on at once, as people set it meanwhile.
    """

    context: JobContext
    endpoints: dict[str, Endpoint]
    writer: GroupWriter
    budget: LedgerBudget
    servers: Servers
    done: int = 0
    total: int = 0
    unit: str = "samples"
    answered: Counter[str] = field(default_factory=Counter)
    slots: Room = field(default_factory=lambda: Room(1))
    valve: Valve = field(default_factory=Valve)
    _clients: dict[tuple[str, str, float], openai.AsyncOpenAI] = field(default_factory=dict)

    def endpoint(self, role: str) -> Endpoint:
        """Who plays ``role``; NotConfigured when nobody does, or nobody who can."""
        if role not in self.endpoints:
            raise NotConfigured(f"This campaign has no endpoint for the role {role}: set one.")
        if takes_no_pictures(self.endpoints[role]):
            raise NotConfigured(f"The endpoint for {role} takes no pictures: set one that does, or test it again.")
        return self.endpoints[role]

    def has(self, role: str) -> bool:
        """Whether anybody plays ``role``."""
        return role in self.endpoints

    async def ask(self, request: CallRequest) -> CallAnswer:
        """The stored answer of this very call, or a new one that is stored before it is returned."""
        endpoint = self.endpoint(request.role)
        limited = replace(request, ceiling=self.budget.limits.max_answer_tokens)
        return await self._once(endpoint, limited, lambda client: send(client, endpoint, limited))

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
            async with self.valve.out():
                pictures = await asyncio.to_thread(work)
                await self._keep(pictures)
                known = {use.key(campaign_id): [picture.sha256 for picture in pictures]}
                await self.writer.write(self._store_uses, (use, known[use.key(campaign_id)]))
        return tuple(known[use.key(campaign_id)])

    async def tools_keep(self, done: list[tuple[ToolUse, list[str]]]) -> None:
        """Store uses of tools with what came out of them."""
        await asyncio.gather(*(self.writer.write(self._store_uses, use) for use in done))

    async def _once(self, endpoint: Endpoint, request: Request, send_it: Send) -> CallAnswer:
        came: CallAnswer | DpeError | None = None
        while came is None:
            came = await self._if_it_fits(endpoint, request, send_it)
        if isinstance(came, DpeError):
            raise await self._last_error(came)
        self.answered[request.role] += 1
        return came

    async def _last_error(self, error: DpeError) -> DpeError:
        """What the call ends with. An error that ends the job lets the calls that are out come home and be stored
        first, for they are paid; where another reason shut the valve before, that one stands.
        """
        if isinstance(error, CallRefused):
            return error
        self.valve.shut(error)
        while not self.is_home:
            await asyncio.sleep(HOME_LOOK_S)
        return self.valve.reason or error

    async def _if_it_fits(self, endpoint: Endpoint, request: Request, send_it: Send) -> CallAnswer | DpeError | None:
        """What came of it; None where the call fits no budget now, and it was waited for one that may leave room."""
        known = endpoint.capabilities
        async with AsyncExitStack() as out:
            async with self.servers.rows(endpoint).place():
                await out.enter_async_context(self.valve.out())
                call = await self.writer.write(self._open, (endpoint, request))
                if isinstance(call, ModelCall) and call.status == "answered":
                    return CallAnswer(tuple(call.choices), call.tokens_in, call.tokens_out, finish=call.finish)
                came = await self._send(call, endpoint, send_it) if isinstance(call, ModelCall) else None
            if isinstance(call, ModelCall):
                await self.writer.write(calls_close, call)
                self.budget.settled(call.latency_ms / 1000)
                await self._learn(endpoint, known)
                return came
        if reason := await self.budget.wait(call):
            self.valve.shut(reason)
        return None

    async def _send(self, call: ModelCall, endpoint: Endpoint, send_it: Send) -> CallAnswer | DpeError:
        """What came of it, after as many tries as the server's pace allows; the call is to be stored as it then is."""
        server = self.servers.server(endpoint)
        caller = server.caller()

        async def one_try() -> CallAnswer:
            started = time.monotonic()
            try:
                return await send_it(self._client(endpoint))
            finally:
                call.latency_ms = int(1000 * (time.monotonic() - started))

        try:
            answer = await server.ask(endpoint.role, one_try, caller)
        except DpeError as error:
            call.status = "failed" if isinstance(error, (UpstreamRefused, NotConfigured)) else "unknown"
            call.error, call.num_refused = str(error), caller.num_refused
            return error
        call.status, call.choices, call.finish = "answered", list(answer.choices), answer.finish
        call.tokens_in, call.tokens_out, call.cost = answer.tokens_in, answer.tokens_out, answer.cost(endpoint)
        call.num_refused = caller.num_refused
        return answer

    async def _learn(self, endpoint: Endpoint, known: dict[str, Any]) -> None:
        """Store what the call showed of its endpoint, after its answer: that was paid."""
        if endpoint.capabilities != known:
            await self.writer.write(learned_store, endpoint)

    async def _keep(self, pictures: list[Picture]) -> None:
        """Files first, in a thread of their own, then the rows."""
        for picture in pictures:
            await asyncio.to_thread(write_files, picture)
        await self.writer.write(self._store_media, pictures)

    def _open(self, asked: list[Asked]) -> list[ModelCall | Short]:
        self.budget.scopes |= {request.scope for _, request in asked}
        return calls_open(self.context, asked, self.budget.terms)

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
        ends by its own time-out. A pause shuts the valve, and ends the work once nothing is out any more.
        """
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                await sync_to_async(self.context.progress)(self.done, self.total, self.unit, force=True)
            except JobPaused as reason:
                self.valve.shut(reason)
            await self.budget.time_check()
            if self.valve.reason and self.is_home:
                raise self.valve.reason
            await self.slots_refresh()
            if self.servers.are_due():
                await self.limits_refresh()

    async def slots_refresh(self) -> None:
        """Take up how many slots people want to be worked on at once now."""
        self.slots.move(await sync_to_async(slots_at_once)(self.context.job.campaign_id or 0))

    async def limits_refresh(self) -> None:
        """Move the ceilings to what the endpoints' rows say by now, and show on them how their servers stand."""
        await self.servers.refresh(self.endpoints)

    @property
    def is_home(self) -> bool:
        """Whether no call is out and nothing waits to be stored."""
        return not self.valve.num_out and self.writer.is_idle

    async def close(self) -> None:
        """Close all connections, and show how the servers stood at the end."""
        for client in self._clients.values():
            await client.close()
        await self.servers.close()


@asynccontextmanager
async def ledger_open(context: JobContext) -> AsyncIterator[Ledger]:
    """A ledger with its writer running and the job's lease kept, for the length of one job's work."""
    assert context.job.campaign is not None
    budget = LedgerBudget(context, context.job.campaign.config.calls)
    rows = [row async for row in Endpoint.objects.filter(campaign=context.job.campaign)]
    await sync_to_async(context.heed)()
    await sync_to_async(calls_lost)(budget.campaign_id, context.job.pk)
    servers = Servers(context, Random(context.job.pk))  # noqa: S311 - spreads retries
    ledger = Ledger(context, {row.role: row for row in rows}, GroupWriter(context.writing), budget, servers)
    await ledger.slots_refresh()
    try:
        with first_error():
            async with asyncio.TaskGroup() as group:
                helpers = [group.create_task(ledger.writer.serve()), group.create_task(ledger.keep_lease())]
                yield ledger
                for helper in helpers:
                    helper.cancel()
    finally:
        await budget.time_count()
        await ledger.close()
