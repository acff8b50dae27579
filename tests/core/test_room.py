"""Work side by side in a room whose size moves while it is used."""

import asyncio
from functools import partial

import pytest

from core.room import Room, gather_bounded


class Play:
    """Pieces of work that end when they are told to, and what was seen of them."""

    def __init__(self, number: int) -> None:
        self.started: list[int] = []
        self.ends = [asyncio.Event() for _ in range(number)]
        self.inside = 0

    async def work(self, index: int) -> None:
        self.started.append(index)
        self.inside += 1
        try:
            await self.ends[index].wait()
        finally:
            self.inside -= 1

    def all(self) -> list[partial]:
        return [partial(self.work, index) for index in range(len(self.ends))]


async def settle() -> None:
    """Let everything that can move do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def played(scene) -> None:
    asyncio.run(scene())


def test_a_room_made_larger_lets_more_start_at_once_in_their_order():
    async def scene():
        play, room = Play(8), Room(2)
        task = asyncio.create_task(gather_bounded(play.all(), room))
        await settle()
        assert play.started == [0, 1]
        room.move(5)
        await settle()
        assert play.started == [0, 1, 2, 3, 4]
        for end in play.ends:
            end.set()
        await task
        assert play.started == list(range(8)) and room.num_inside == 0

    played(scene)


def test_a_room_made_smaller_ends_nothing_and_lets_nobody_in_until_enough_have_left():
    async def scene():
        play, room = Play(8), Room(4)
        task = asyncio.create_task(gather_bounded(play.all(), room))
        await settle()
        room.move(2)
        await settle()
        assert play.inside == 4
        for index in (3, 0):
            play.ends[index].set()
            await settle()
        assert play.inside == 2 and play.started == [0, 1, 2, 3]
        play.ends[1].set()
        await settle()
        assert play.started == [0, 1, 2, 3, 4] and play.inside == 2
        for end in play.ends:
            end.set()
        await task

    played(scene)


def test_the_first_error_ends_the_rest_and_is_raised_itself():
    async def scene():
        play = Play(4)

        async def fails() -> None:
            raise KeyError("no such slot")

        with pytest.raises(KeyError):
            await gather_bounded([play.all()[0], play.all()[1], fails, play.all()[2]], 3)
        assert play.inside == 0 and 2 not in play.started

    played(scene)
