"""How many pieces of work may be under way at once: a number that may be moved while they are."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Room:
    """Lets at most ``limit`` in. Moved up it lets more in at once; moved down, nobody until enough have left."""

    limit: int
    num_inside: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def enter(self) -> None:
        """Go in, as soon as there is room."""
        while self.num_inside >= self.limit:
            self._changed.clear()
            await self._changed.wait()
        self.num_inside += 1

    def leave(self) -> None:
        """Make room."""
        self.num_inside -= 1
        self._changed.set()

    def move(self, limit: int) -> None:
        """Let another number in from now on."""
        self.limit = limit
        self._changed.set()


async def gather_bounded(work: Sequence[Callable[[], Awaitable[None]]], room: Room | int) -> None:
    """Run all, as many at once as there is room for and started in order; the first error ends the rest."""
    space = Room(room) if isinstance(room, int) else room

    async def run(start: Callable[[], Awaitable[None]]) -> None:
        try:
            await start()
        finally:
            space.leave()

    with first_error():
        async with asyncio.TaskGroup() as group:
            for start in work:
                await space.enter()
                group.create_task(run(start))


@contextmanager
def first_error() -> Iterator[None]:
    """Raise the first error of a task group in place of the group."""
    try:
        yield
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
