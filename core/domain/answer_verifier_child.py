"""What a verifier process runs: JSON pairs of expressions come in a line each, a word goes out for each.

Only started by ``answer_verifier``; importing it loads sympy.
"""

import json
import logging
import resource
import signal
import sys
from functools import lru_cache
from typing import Any, Final

from math_verify import parse, verify
from sympy import Expr  # type: ignore[import-untyped]

from core.domain.answer_value import differ, point
from core.domain.answer_verifier import Word

LIMIT_S: Final = 2.0  # of processor time for one pair
WALL_LIMIT_S: Final = 60.0  # should it sleep instead
MAX_MEMORY_BYTES: Final = 2 << 30


def main() -> None:
    """Answer pairs until the input ends, or until one of them breaks a limit."""
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    say("ready")
    for line in sys.stdin:
        a, b = json.loads(line)
        limit(LIMIT_S, WALL_LIMIT_S)
        word = Word.of(is_same(a, b))
        limit(0, 0)
        say(word.value)


def say(word: str) -> None:
    """One line, at once."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def limit(processor_s: float, wall_s: float) -> None:
    """Let the kernel end this process after that time; 0 takes the limit away."""
    signal.setitimer(signal.ITIMER_PROF, processor_s)
    signal.setitimer(signal.ITIMER_REAL, wall_s)


@lru_cache(maxsize=4096)
def read(form: str) -> list[Any]:
    """What math-verify reads in an expression; a gold answer is read once for all that it is compared with."""
    found: list[Any] = parse(f"\\boxed{{{form}}}", parsing_timeout=None)
    return found


def is_same(a: str, b: str) -> bool:
    """Equal in either direction, for math-verify takes assignments and sets on one side only."""
    first, second = read(a), read(b)
    if "%" not in a + b and first and second:
        x, y = value(first[0]), value(second[0])
        if x is not None and y is not None and differ(x, y):
            return False  # which saves proving that they are not equal
    return bool(verify(first, second, timeout_seconds=None) or verify(second, first, timeout_seconds=None))


def value(expression: object) -> complex | None:
    """An expression's value where each variable has a number of its own; None where that cannot be had."""
    if not isinstance(expression, Expr):
        return None
    values = {symbol: point(str(symbol)) for symbol in expression.free_symbols}
    try:
        found = complex(expression.evalf(subs=values))
    except Exception:  # sympy raises what it likes; then math-verify decides
        return None
    return found if abs(found) < 1e100 else None  # false for nan, too


if __name__ == "__main__":
    main()
