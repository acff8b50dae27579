"""What the teacher was paid for: an append-only log that is also its memory, so that it survives kill -9."""

import json
import time
from pathlib import Path
from typing import Any, TextIO

Reply = dict[str, Any]


class PaidLog:
    """One JSON line a request: ``paid`` with the reply, or ``again`` for a key that was paid before.

    A line is on its way to the disk before the reply leaves, so that what was answered is never billed again.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._replies: dict[str, Reply] = {}
        for line in whole_lines(path):
            self._replies.setdefault(line["key"], line.get("reply", {}))
        self._file: TextIO = path.open("a")

    def known(self, key: str) -> Reply | None:
        """The reply that this key was paid for, if it was."""
        reply = self._replies.get(key)
        if reply is not None:
            self._write({"event": "again", "key": key})
        return reply

    def pay(self, key: str, role: str, reply: Reply, spoiled: str) -> None:
        """Bill a request. ``spoiled`` says what is wrong with the reply; only benchmarks read it."""
        self._replies[key] = reply
        self._write({"event": "paid", "key": key, "role": role, "spoiled": spoiled, "reply": reply})

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps({**line, "at": time.time()}) + "\n")
        self._file.flush()


def whole_lines(path: Path) -> list[dict[str, Any]]:
    """All lines of a log but a torn last one, which is cut off."""
    if not path.exists():
        return []
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end < len(data):
        with path.open("r+b") as file:
            file.truncate(end)
    return [json.loads(line) for line in data[:end].splitlines()]
