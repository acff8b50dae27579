"""A chat-completions server for tests: answers by the schema that it is asked for, and logs what it was paid for."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiohttp import web

from core.provider import SCHEMA_WORDS

Reply = Callable[["Asked"], Any]


@dataclass(frozen=True)
class Asked:
    """One request as the server sees it."""

    key: str
    schema: str
    system: str
    text: str
    images: tuple[str, ...]
    n: int
    seed: int
    model: str
    format: str = "json_schema"
    has_n: bool = True

    @property
    def data(self) -> dict[str, Any]:
        """The facts between the fence's marks."""
        return json.loads(self.text.split("<<<\n")[1].split("\n>>>")[0])


@dataclass
class FakeEndpoint:
    """``replies`` maps a schema's name to what it answers; a value is sent as JSON, a string as it is.

    ``paid`` lists every key that was answered. Once ``down_after`` answers were given all else is an error with
    ``down_status``. ``delay_s`` is drawn per call by ``seed``, so that answers arrive in another order.
    """

    replies: dict[str, Reply]
    max_n: int = 16
    delay_s: float = 0.0
    seed: int = 0
    down_after: int | None = None
    down_status: int = 503
    url: str = ""
    paid: list[str] = field(default_factory=list)
    seen: list[Asked] = field(default_factory=list)
    edit: Callable[[dict[str, Any]], Any] | None = None  # the form's fields -> the reply's JSON
    forms: list[dict[str, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        asked = read_request(await request.json(), request.headers.get("Idempotency-Key", ""))
        self.seen.append(asked)
        if self.delay_s:
            await asyncio.sleep(self.delay_s * Random(f"{self.seed}{asked.key}").random())
        if self.down_after is not None and len(self.paid) >= self.down_after:
            return web.json_response({"error": {"message": "down"}}, status=self.down_status)
        answers = [self.replies[asked.schema](asked) for _ in range(min(asked.n, self.max_n))]
        self.paid.append(asked.key)
        choices = [
            {"index": i, "message": {"role": "assistant", "content": text_of(answer)}, "finish_reason": "stop"}
            for i, answer in enumerate(answers)
        ]
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        return web.json_response({"id": "x", "object": "chat.completion", "choices": choices, "usage": usage})

    async def handle_edit(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        form["image"] = form["image"].file.read()
        self.forms.append(form)
        if self.edit is None:
            return web.json_response({"error": {"message": "no such picture"}}, status=400)
        reply = self.edit(form)
        self.paid.append(request.headers.get("Idempotency-Key", ""))
        return web.json_response(reply) if not isinstance(reply, str) else web.Response(text=reply)

    def asked(self, schema: str) -> list[Asked]:
        return [asked for asked in self.seen if asked.schema == schema]

    @property
    def paid_twice(self) -> list[str]:
        return [key for key, times in Counter(self.paid).items() if times > 1]


def read_request(body: dict[str, Any], key: str) -> Asked:
    *system, user = body["messages"]
    content = user["content"]
    images = tuple(part["image_url"]["url"] for part in content if part["type"] == "image_url")
    text = next(part["text"] for part in content if part["type"] == "text")
    said = system[0]["content"] if system else ""
    facts = {"key": key, "system": said, "text": text, "images": images, "model": body["model"]}
    asked_for = body.get("response_format", {}).get("type", "")
    return Asked(
        **facts, schema=schema_name(body, said), n=body.get("n", 1), seed=body.get("seed", 0), format=asked_for,
        has_n="n" in body,
    )  # fmt: skip


def schema_name(body: dict[str, Any], system: str) -> str:
    """The schema's name: as it is asked for, or as its words in the system prompt say."""
    if body.get("response_format", {}).get("type") == "json_schema":
        return body["response_format"]["json_schema"]["name"]
    _, found, words = system.partition(SCHEMA_WORDS)
    return json.loads(words)["title"] if found else ""


def text_of(answer: Any) -> str:
    return answer if isinstance(answer, str) else json.dumps(answer)


@contextmanager
def served(endpoint: FakeEndpoint) -> Iterator[FakeEndpoint]:
    """The endpoint on a loopback port, in a thread of its own."""
    loop, ready, port = asyncio.new_event_loop(), threading.Event(), []

    async def start() -> web.AppRunner:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/chat/completions", endpoint.handle)
        app.router.add_post("/v1/images/edits", endpoint.handle_edit)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port.append(runner.addresses[0][1])
        ready.set()
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10), "the fake endpoint did not start"
    endpoint.url = f"http://127.0.0.1:{port[0]}/v1"
    try:
        yield endpoint
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
