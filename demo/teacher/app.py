"""The teacher as an ASGI app that speaks OpenAI chat completions and image edits."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from demo.teacher.bill import OLD_KEY, Bill, Book
from demo.teacher.looking import Edit, edited, read_edit
from demo.teacher.reading import Asked, read_request
from demo.teacher.roles import play

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
MODEL = "mini-world-teacher"
EDIT = "Edit"
CHARS_A_TOKEN = 4
PICTURE_TOKENS = 64


@dataclass
class Teacher:
    """Answers requests; the same key gets the same answer and is paid once. Latency comes after the payment."""

    book: Book
    seed: int = 0
    error_rate: float = 0.04
    latency_s: float = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        route = (scope["method"], scope["path"])
        if route == ("POST", "/v1/chat/completions"):
            status, body = self.complete(await body_of(receive), key_of(scope))
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
        elif route == ("POST", "/v1/images/edits"):
            kind = header_of(scope, b"content-type")
            status, body = self.edit(await body_of(receive), kind, key_of(scope))
        elif route == ("GET", "/v1/models"):
            status, body = 200, {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "demo"}]}
        elif route == ("GET", "/healthz"):
            status, body = 200, {"ok": True, "paid": self.book.num_paid}
        else:
            status, body = 404, problem(f"There is no {scope['method']} {scope['path']}.")
        await answer(send, status, body)

    def complete(self, raw: bytes, key: str) -> tuple[int, dict[str, Any]]:
        """Status and body of one chat completion."""
        try:
            body = json.loads(raw)
            asked = read_request(body, self.seed)
            bill = self.book.find(key, asked.content_hash) or self.pay(key, asked, str(body["model"]))
        except KeyError as error:
            return 400, problem(f"The request lacks {error}.")
        except (AttributeError, TypeError, ValueError) as error:
            return (409 if str(error) == OLD_KEY else 400), problem(str(error))
        return 200, completion(bill)

    def edit(self, raw: bytes, kind: str, key: str) -> tuple[int, dict[str, Any]]:
        """Status and body of one request for edited pictures."""
        try:
            asked = read_edit(raw, kind, self.seed)
            bill = self.book.find(key, asked.content_hash) or self.pay_edit(key, asked)
        except KeyError as error:
            return 400, problem(f"The form lacks {error}.")
        except ValueError as error:
            return (409 if str(error) == OLD_KEY else 400), problem(str(error))
        return 200, {"created": 0, "data": [{"b64_json": text} for text in bill.choices]}

    def pay_edit(self, key: str, asked: Edit) -> Bill:
        """Edit, and write the bill with the pictures in it."""
        pictures = tuple(base64.b64encode(png).decode() for png in edited(asked))
        tokens = len(asked.prompt) // CHARS_A_TOKEN + PICTURE_TOKENS
        number = asked.num_images
        bill = Bill(key, EDIT, asked.model, number, tokens, 0, asked.content_hash, pictures, ("",) * number)
        self.book.pay(bill)
        return bill

    def pay(self, key: str, asked: Asked, model: str) -> Bill:
        """Answer, and write the bill."""
        said = play(asked, self.error_rate)
        bill = Bill(
            key=key,
            role=asked.role,
            model=model,
            n=asked.num_choices,
            tokens_in=len(asked.text) // CHARS_A_TOKEN + PICTURE_TOKENS * len(asked.scenes),
            tokens_out=sum(len(one.text) // CHARS_A_TOKEN for one in said),
            request=asked.content_hash,
            choices=tuple(one.text for one in said),
            faults=tuple(one.fault for one in said),
        )
        self.book.pay(bill)
        return bill


def completion(bill: Bill) -> dict[str, Any]:
    """The reply that a bill stands for, the same however often it is asked for."""
    choices = [
        {"index": i, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for i, text in enumerate(bill.choices)
    ]
    usage = {"prompt_tokens": bill.tokens_in, "completion_tokens": bill.tokens_out}
    return {
        "id": f"chatcmpl-{bill.request[:24]}",
        "object": "chat.completion",
        "created": 0,
        "model": bill.model,
        "choices": choices,
        "usage": {**usage, "total_tokens": sum(usage.values())},
    }


def key_of(scope: Scope) -> str:
    """The request's Idempotency-Key; empty when it has none."""
    return header_of(scope, b"idempotency-key")


def header_of(scope: Scope, wanted: bytes) -> str:
    """One of the request's headers; empty when it has none."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


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
    raw = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": raw})


def problem(message: str) -> dict[str, Any]:
    """An error as OpenAI's API shapes it."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}
