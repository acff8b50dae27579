"""How many pieces of work may be under way at once: a number that may be moved while they are."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field


@dataclass
class Room:
    """Lets at most ``limit`` in, first come first. Moved up it lets more in at once; moved down, nobody until enough
    have left.
    """

    limit: int
    num_inside: int = 0
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    async def enter(self) -> None:
        """Go in, as soon as there is room."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Make room."""
        self.num_inside -= 1
        self._admit()

    def move(self, limit: int) -> None:
        """Let another number in from now on."""
        self.limit = limit
        self._admit()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Callable[[], None]]:
        """Inside until the block ends, or until what it gives is called, however often."""
        await self.enter()
        leaves = iter([self.leave])

        def leave() -> None:
            for once in leaves:
                once()

        try:
            yield leave
        finally:
            leave()

    def _admit(self) -> None:
        while self._waiting and self.num_inside < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.num_inside += 1
                turn.set_result(None)


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
