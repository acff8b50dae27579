"""What the teacher was paid for: an append-only log that is also its memory, so that it survives kill -9."""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

OLD_KEY = "This Idempotency-Key was used for another request."


@dataclass(frozen=True)
class Bill:
    """One paid answer. ``faults`` say what was spoiled in each choice; only the log knows, and benchmarks read it."""

    key: str
    role: str
    model: str
    n: int
    tokens_in: int
    tokens_out: int
    request: str
    choices: tuple[str, ...]
    faults: tuple[str, ...]
    at: float = 0.0


class Book:
    """All bills, one JSON line each, by key.

    A line has left this process before its reply does, so that no kill can make it bill the same key again.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if is_torn(path):
            os.write(self._file, b"\n")
        self._paid = {bill.key: bill for bill in read_bills(path) if bill.key}
        self.num_paid = 0

    def find(self, key: str, request: str) -> Bill | None:
        """The bill of this key, if it was paid; ValueError when it was paid for another request."""
        bill = self._paid.get(key) if key else None
        if bill and bill.request != request:
            raise ValueError(OLD_KEY)
        return bill

    def pay(self, bill: Bill) -> None:
        """Write a bill. Without a key there is nothing to remember it by, and the same request costs again."""
        os.write(self._file, (json.dumps(asdict(bill) | {"at": time.time()}) + "\n").encode())
        self.num_paid += 1
        if bill.key:
            self._paid[bill.key] = bill


def is_torn(path: Path) -> bool:
    """Whether a kill left the last line without its end."""
    data = path.read_bytes()
    return bool(data) and not data.endswith(b"\n")


def read_bills(path: Path) -> Iterator[Bill]:
    """The log's bills in their order. A torn line was never answered, and so never paid."""
    with path.open() as file:
        for line in file:
            try:
                fields = json.loads(line)
            except ValueError:
                continue
            yield Bill(**fields | {name: tuple(fields[name]) for name in ("choices", "faults")})


def paid_twice(bills: Sequence[Bill]) -> dict[str, int]:
    """Keys that were billed more than once, and how often."""
    times = Counter(bill.key for bill in bills if bill.key)
    return {key: count for key, count in times.items() if count > 1}
