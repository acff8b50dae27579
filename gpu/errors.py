"""The one exception that ends a run by name."""

from core.specs import GpuErrorCode


class GpuFault(Exception):
    """A run cannot go on, for a reason that has a name; the message is one line for a person."""

    def __init__(self, code: GpuErrorCode, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code: GpuErrorCode = code
        self.message = message


def one_line(error: BaseException, limit: int = 300) -> str:
    """The error's text in one line of at most ``limit`` characters; its class name when it has no text."""
    return " ".join(str(error).split())[:limit] or type(error).__name__
