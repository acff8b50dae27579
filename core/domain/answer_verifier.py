"""math-verify in processes of its own, warm and bounded: this is their client; ``answer_verifier_child`` is what runs.

A process has a limit of processor time for one pair (so that a busy machine changes no verdict) and is ended by the
kernel when it needs more, whatever it is doing. The pair then has its word, and the next pair a fresh process.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from queue import LifoQueue
from typing import Final

NUM_PROCESSES: Final = 2
BATCH: Final = 16
MAX_REMEMBERED: Final = 50_000
ROOT: Final = Path(__file__).parents[2]
ENDED_BY_LIMIT: Final = {-signal.SIGPROF, -signal.SIGALRM}

Pair = tuple[str, str]


class Word(StrEnum):
    """What comparing two expressions can end with."""

    EQUAL = "equal"
    DIFFERENT = "different"
    TIMED_OUT = "timed_out"
    VERIFIER_DIED = "verifier_died"
    TOO_LONG = "too_long"
    TOO_DEEP = "too_deep"
    NOT_MATH = "not_math"

    @classmethod
    def of(cls, is_equal: bool) -> "Word":
        """Equal or different."""
        return cls.EQUAL if is_equal else cls.DIFFERENT


class VerifierProcess:
    """One process that compares pairs until one of them ends it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "core.domain.answer_verifier_child"]
        self._child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._child.stdin is not None and self._child.stdout is not None
        self._in, self._out = self._child.stdin, self._child.stdout
        if self._out.readline() != b"ready\n":
            raise RuntimeError("The verifier of mathematics does not start; is math-verify installed?")

    def compare(self, pairs: Sequence[Pair]) -> Iterator[Word]:
        """One word a pair, in order; ends early when the process is gone."""
        with suppress(BrokenPipeError):  # what it said before it ended is still there to read
            self._in.writelines(json.dumps(pair).encode() + b"\n" for pair in pairs)
            self._in.flush()
        for _ in pairs:
            line = self._out.readline()
            if not line.endswith(b"\n"):
                return
            yield Word(line.decode().strip())

    def end(self) -> bool:
        """End the process; whether its limit had ended it already."""
        with suppress(OSError):
            self._in.close()
        self._out.close()
        try:
            code = self._child.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        return code in ENDED_BY_LIMIT


_places: LifoQueue[VerifierProcess | None] = LifoQueue()
_remembered: dict[Pair, Word] = {}


def _make_places() -> None:
    """Room for ``NUM_PROCESSES``; a forked child starts its own, for pipes cannot be shared."""
    global _places
    _places = LifoQueue()
    for _ in range(NUM_PROCESSES):
        _places.put(None)


_make_places()
os.register_at_fork(after_in_child=_make_places)


def compare(pairs: Sequence[Pair]) -> list[Word]:
    """One word a pair; many pairs are spread over the processes, and a pair is compared once."""
    known = {pair: word for pair in pairs if (word := _remembered.get(pair))}
    missing = [pair for pair in dict.fromkeys(pairs) if pair not in known]
    batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
    if len(batches) > 1:
        with ThreadPoolExecutor(NUM_PROCESSES) as pool:
            words = list(pool.map(_compare_batch, batches))
    else:
        words = [_compare_batch(batch) for batch in batches]
    known |= zip(missing, chain.from_iterable(words), strict=True)
    _remember({pair: known[pair] for pair in missing})
    return [known[pair] for pair in pairs]


def _compare_batch(pairs: Sequence[Pair]) -> list[Word]:
    """The words of one batch, in as many processes as its pairs bring down."""
    places, words = _places, list[Word]()
    process, has_died = places.get(), False
    try:
        while len(words) < len(pairs):
            process = process or VerifierProcess()
            num_before = len(words)
            words += process.compare(pairs[num_before:])
            if len(words) < len(pairs):
                is_over, process = process.end(), None
                has_died = has_died and len(words) == num_before
                if is_over or has_died:
                    words.append(Word.TIMED_OUT if is_over else Word.VERIFIER_DIED)
                has_died = not is_over and not has_died
    except BaseException:
        if process is not None:
            process.end()
        process = None
        raise
    finally:
        places.put(process)
    return words


def _remember(words: dict[Pair, Word]) -> None:
    """Keep the newest ``MAX_REMEMBERED`` words."""
    _remembered.update(words)
    for old in list(islice(_remembered, max(0, len(_remembered) - MAX_REMEMBERED))):
        _remembered.pop(old, None)
