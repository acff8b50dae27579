"""An event loop whose clock jumps to the next timer when nothing is left to do: waits of hours take no time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self.jumped = 0.0
        select = self._selector.select

        def jump(timeout: float | None) -> Any:
            assert timeout is not None, "everybody waits for nothing"
            self.jumped += timeout
            return select(0)

        self._selector.select = jump

    def time(self) -> float:
        return self.jumped


def run_jumping(main: Coroutine[Any, Any, Result]) -> Result:
    """The result of ``main`` in a loop of its own."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main)
