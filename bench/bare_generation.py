"""The arms that generation is measured against: the same client storing nothing, and a plain loop in threads."""

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import openai

from core.completion import Completion
from core.ledger import Ledger
from core.models import Endpoint
from core.provider import CallAnswer, CallRequest, ImageRef, read_reply, send
from core.room import gather_bounded
from datagen.agents.choosing import Desk, picture_choose
from datagen.agents.flow import question_write, search_plan
from datagen.agents.requests import planner_request, validator_request, writer_request
from datagen.agents.schemas import Plan, Validation, WrittenQuestion
from datagen.drafts import Draft, Refusal, draft_of
from datagen.models import Mixture
from datagen.services.generation import Errand, Wave, wave_of
from datagen.stock import stock_deal, want_of
from datagen.tries import slots_open
from tests.datagen.rows import make_context_for


class Forgetful(Ledger):
    """Sends what it is asked and keeps nothing; as many calls of a role at once as its endpoint takes."""

    widths: dict[str, asyncio.Semaphore]

    async def ask(self, request: CallRequest) -> CallAnswer:
        """A new answer, whatever was asked before."""
        endpoint = self.endpoint(request.role)
        async with self.widths[request.role]:
            return await send(self._client(endpoint), endpoint, request)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()


def endpoints_of(mixture: Mixture) -> dict[str, Endpoint]:
    """Who plays which role."""
    return {endpoint.role: endpoint for endpoint in mixture.campaign.endpoints.all()}


@dataclass
class Bare:
    """Generation without its rows."""

    wave: Wave
    endpoints: dict[str, Endpoint]

    @classmethod
    def of(cls, mixture: Mixture) -> "Bare":
        """All that is read before the clock starts."""
        context = make_context_for(mixture.campaign, "generate")
        return cls(wave_of(context, mixture, slots_open(mixture)), endpoints_of(mixture))

    async def write_all(self) -> None:
        """Plan and deal, then choose and write."""
        nobody: Any = None
        ledger = Forgetful(self.wave.context, self.endpoints, nobody, nobody, nobody)
        ledger.widths = {role: asyncio.Semaphore(row.concurrency) for role, row in self.endpoints.items()}
        width = self.wave.config.generation.concurrency
        errands = self.wave.errands
        await gather_bounded([partial(self.plan_one, ledger, errand) for errand in errands], width)
        wants = [want_of(self.wave.mixture, errand.slot, errand.queries, self.wave.stock) for errand in errands]
        found = stock_deal(self.wave.stock, wants, {}, {})
        for errand in errands:
            errand.candidates = [self.wave.stock.pictures[n] for its in found[errand.slot.index] for n in its]
        desk = Desk(ledger, self.wave.config.images)
        await gather_bounded([partial(self.write_one, desk, errand) for errand in errands], width)
        await ledger.close()

    async def plan_one(self, ledger: Ledger, errand: Errand) -> None:
        """One slot's plan."""
        assert errand.task is not None
        planned = await search_plan(ledger, errand.task)
        assert not isinstance(planned, Refusal)
        errand.plan, errand.queries = planned

    async def write_one(self, desk: Desk, errand: Errand) -> None:
        """One slot's picture and question."""
        assert errand.task is not None and errand.plan is not None
        choice = await picture_choose(desk, errand.task, errand.plan, errand.candidates)
        assert choice.chosen is not None
        task = replace(errand.task, image=choice.chosen.image)
        attempts = await question_write(desk.ledger, task, errand.plan, 1)
        assert attempts[-1].refusal is None


@dataclass
class Plain:
    """The same calls one after another, as a script in threads makes them."""

    errands: list[tuple[Any, Any]]
    endpoints: dict[str, Endpoint]
    client: openai.OpenAI

    @classmethod
    def of(cls, mixture: Mixture) -> "Plain":
        """Slots with a picture each, and one client for all threads."""
        endpoints = endpoints_of(mixture)
        wave = wave_of(make_context_for(mixture.campaign, "generate"), mixture, slots_open(mixture))
        pictures = [ImageRef(one.image.sha256, one.image.mime) for one in wave.stock.pictures.values()]
        errands = [(errand.task, picture) for errand, picture in zip(wave.errands, pictures, strict=False)]
        return cls(errands, endpoints, openai.OpenAI(base_url=endpoints["planner"].base_url, api_key="none"))

    def write_one(self, errand: tuple[Any, Any]) -> None:
        """Plan, question, validation."""
        task = replace(errand[0], image=errand[1])
        plan = self.ask(planner_request(task)).parsed(Plan)[0]
        assert plan is not None
        written = self.ask(writer_request(task, plan)).parsed(WrittenQuestion)[0]
        assert written is not None
        draft = draft_of(written, task.question_type)
        assert isinstance(draft, Draft)
        assert self.ask(validator_request(task, draft)).parsed(Validation)[0]

    def ask(self, request: CallRequest) -> CallAnswer:
        """One call by the library as everybody uses it."""
        model = self.endpoints[request.role].model
        reply = self.client.chat.completions.create(**request.body(model))
        return read_reply(Completion.model_validate(reply.model_dump()), "")
