"""How many calls of one role are under way at once, and how many more are written down already."""

import asyncio
from math import ceil
from typing import Final

AHEAD: Final = 0.25  # of the calls under way: storing takes less of a call's time than that


class Gate:
    """``calls`` lets ``width`` calls go at once. ``rows`` lets a few more be written down, so that the next call
    starts the moment one ends: an endpoint does not wait for our storing. A kill shows those few as perhaps sent.
    """

    def __init__(self, width: int) -> None:
        self.calls = asyncio.Semaphore(width)
        self.rows = asyncio.Semaphore(width + ceil(AHEAD * width))
