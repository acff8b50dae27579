"""How many calls an endpoint gets at once: one more for every round of good answers, half for every refusal of load."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import openai

from core.errors import UpstreamUnavailable
from core.models import Endpoint
from core.provider import CallAnswer, CallRequest, send

FIRST_LIMIT = 4
WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)  # bridges a restart of about half a minute, as the library's own waits do


@dataclass
class Pace:
    """Lets at most ``limit`` calls go at once, never more than ``ceiling``.

    Calls that were under way when the limit was halved were sent under the old one: their failures halve nothing more.
    """

    ceiling: int
    limit: float = field(init=False)
    _busy: int = 0
    _halvings: int = 0
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.limit = float(min(FIRST_LIMIT, self.ceiling))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One call's turn, as soon as there is room; UpstreamUnavailable inside it slows the pace down."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._busy < int(self.limit))
            self._busy += 1
        seen = self._halvings
        try:
            yield
            self.limit = min(float(self.ceiling), self.limit + 1 / self.limit)
        except UpstreamUnavailable:
            if seen == self._halvings:
                self.limit, self._halvings = max(1.0, self.limit / 2), self._halvings + 1
            raise
        finally:
            async with self._moved:
                self._busy -= 1
                self._moved.notify_all()


async def send_paced(client: openai.AsyncOpenAI, endpoint: Endpoint, request: CallRequest, pace: Pace) -> CallAnswer:
    """Make one call, again and again with the same Idempotency-Key while waiting may help; each try takes a turn."""
    once = client.with_options(max_retries=0)
    for wait_s in WAITS_S:
        try:
            async with pace.turn():
                return await send(once, endpoint, request)
        except UpstreamUnavailable:
            await asyncio.sleep(wait_s)
    async with pace.turn():
        return await send(once, endpoint, request)
