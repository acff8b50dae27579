"""The valve before the endpoints: shut, it lets no new call out, and what is out comes home first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from core.errors import DpeError


@dataclass
class Valve:
    """Counts the calls that are out. Once shut for a ``reason``, a new one waits until its task is cancelled."""

    num_out: int = 0
    reason: DpeError | None = None
    _open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._open.set()

    @asynccontextmanager
    async def out(self) -> AsyncIterator[None]:
        """One call, from before its row is written until its answer is stored."""
        await self._open.wait()
        self.num_out += 1
        try:
            yield
        finally:
            self.num_out -= 1

    def shut(self, reason: DpeError) -> None:
        """Let nothing more out; the first reason stands."""
        self.reason = self.reason or reason
        self._open.clear()
