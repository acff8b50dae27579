"""The teacher as an ASGI app that speaks OpenAI chat completions."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from core.domain.files import hash_bytes
from demo.teacher.ledger import PaidLog, Reply
from demo.teacher.reading import read_request
from demo.teacher.roles import Said, say

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
CHARS_A_TOKEN = 4
PICTURE_TOKENS = 64


@dataclass
class Teacher:
    """Answers requests; the same key gets the same answer and is paid once."""

    log: PaidLog
    seed: int = 0
    error_rate: float = 0.04
    latency_s: float = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        route = (scope["method"], scope["path"])
        if route == ("POST", "/v1/chat/completions"):
            await self._complete(scope, receive, send)
        elif route == ("GET", "/v1/models"):
            await answer(send, 200, {"object": "list", "data": [{"id": "teacher", "object": "model"}]})
        elif route == ("GET", "/healthz"):
            await answer(send, 200, {"ok": True})
        else:
            await answer(send, 404, problem("no such path"))

    async def _complete(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await body_of(receive)
        key = dict(scope["headers"]).get(b"idempotency-key", b"").decode() or hash_bytes(raw)
        known = self.log.known(key)
        if known is None:
            try:
                known = self._reply(key, json.loads(raw))
            except (KeyError, TypeError, ValueError) as error:
                await answer(send, 400, problem(str(error)))
                return
            await asyncio.sleep(self.latency_s)
        await answer(send, 200, known)

    def _reply(self, key: str, body: dict[str, Any]) -> Reply:
        asked = read_request(body, self.seed)
        choices = say(asked, self.error_rate)
        reply = completion(body["model"], asked.text, choices, key)
        self.log.pay(key, asked.role, reply, ",".join(one.spoiled for one in choices if one.spoiled))
        return reply


def completion(model: str, prompt: str, choices: list[Said], key: str) -> Reply:
    """A chat completion with its usage."""
    used = {
        "prompt_tokens": PICTURE_TOKENS + len(prompt) // CHARS_A_TOKEN,
        "completion_tokens": sum(len(one.text) for one in choices) // CHARS_A_TOKEN,
    }
    return {
        "id": f"chatcmpl-{key[:24]}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [
            {"index": i, "message": {"role": "assistant", "content": one.text}, "finish_reason": "stop"}
            for i, one in enumerate(choices)
        ],
        "usage": {**used, "total_tokens": sum(used.values())},
    }


async def body_of(receive: Receive) -> bytes:
    """The whole body."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def answer(send: Send, status: int, body: dict[str, Any]) -> None:
    """One JSON answer."""
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def problem(message: str) -> dict[str, Any]:
    """An error as OpenAI's API shapes it."""
    return {"error": {"message": message, "type": "invalid_request_error"}}
