"""A chat-completions server of fixed latency that costs next to nothing: ``python -m bench.endpoint_server``.

It speaks just enough HTTP for the client that we measure, counts what it answers, and appends each answered call's
Idempotency-Key to its log, one a line; ``-`` before a key says that the caller was gone when the answer was ready.
A GET tells how many calls it answered and the most that were under way at once since the last GET.
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from bench.answers import fixed_reply, world_reply

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
KEY = re.compile(rb"idempotency-key: *(\S+)", re.IGNORECASE)
Reply = Callable[[bytes], bytes]


@dataclass
class Counts:
    """What the server did."""

    latency_s: float
    reply: Reply
    log: TextIO
    answered: int = 0
    under_way: int = 0
    most: int = 0

    def taken(self) -> None:
        """A call has begun."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)

    def told(self) -> bytes:
        """Counts as JSON; the most begins anew."""
        told = json.dumps({"answered": self.answered, "most": self.most}).encode()
        self.most = self.under_way
        return told


class Wire(asyncio.Protocol):
    """One connection: a request, its answer after the latency, the next request."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.held = bytearray()
        self.whole = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Gather a request and take it once it is whole."""
        self.held += data
        if not self.whole:
            end = self.held.find(HEAD_END)
            if end < 0:
                return
            length = LENGTH.search(self.held, 0, end)
            self.whole, self.head_end = end + 4 + int(length[1] if length else 0), end
        if len(self.held) >= self.whole:
            head, body = bytes(self.held[: self.head_end]), bytes(self.held[self.head_end + 4 : self.whole])
            self.held, self.whole = self.held[self.whole :], 0
            self.take(head, body)

    def take(self, head: bytes, body: bytes) -> None:
        """Answer a GET at once and a call after the latency."""
        if head.startswith(b"GET"):
            self.send(self.counts.told())
            return
        key = KEY.search(head)
        self.counts.taken()
        reply = self.counts.reply(body)
        asyncio.get_running_loop().call_later(self.counts.latency_s, self.answer, key[1] if key else b"", reply)

    def answer(self, key: bytes, reply: bytes) -> None:
        """Log and send one answer."""
        self.counts.under_way -= 1
        is_gone = self.transport.is_closing()
        self.counts.answered += not is_gone
        self.counts.log.write(f"{'-' if is_gone else ''}{key.decode()}\n")
        if not is_gone:
            self.send(reply)

    def send(self, body: bytes) -> None:
        """One whole response."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)


async def serve(counts: Counts) -> None:
    """Say the port on standard output, then serve until killed."""
    server = await asyncio.get_running_loop().create_server(lambda: Wire(counts), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@dataclass
class Server:
    """A server in a process of its own, as those see it who use it."""

    url: str
    log: Path
    _read: int = field(default=0)

    def counts(self) -> dict[str, int]:
        """``answered``, and ``most`` under way at once since the last look."""
        with urllib.request.urlopen(self.url) as reply:
            counts: dict[str, int] = json.load(reply)
        return counts

    def lines(self) -> list[str]:
        """The log so far."""
        return self.log.read_text().split()


@contextmanager
def server_open(folder: Path, latency_s: float, *, world: bool = False) -> Iterator[Server]:
    """A server with a new log in ``folder``; with ``world`` its answers follow from what is asked."""
    log = folder / f"server-{len(list(folder.glob('server-*')))}.log"
    command = [sys.executable, "-m", "bench.endpoint_server", str(latency_s), str(log), *(["--world"] if world else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Server(f"http://127.0.0.1:{int(process.stdout.readline())}/v1", log)
        finally:
            process.kill()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("latency_s", type=float)
    parser.add_argument("log", type=Path)
    parser.add_argument("--world", action="store_true")
    given = parser.parse_args()
    with given.log.open("a", buffering=1) as log:
        asyncio.run(serve(Counts(given.latency_s, world_reply if given.world else fixed_reply, log)))


if __name__ == "__main__":
    main()
