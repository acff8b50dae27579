"""The one client for OpenAI-compatible endpoints: pictures in, checked JSON out."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, cached_property
from typing import Any, Final, TypeVar

import openai
from pydantic import BaseModel, ValidationError

from core import guarded
from core.capabilities import UNTESTED, Capabilities, JsonWay, capabilities_of, learn
from core.completion import Completion, Usage, choice_text, finish_of, parse_choice
from core.domain.budget import DEFAULT_ANSWER_TOKENS, money_up
from core.domain.files import hash_bytes
from core.domain.pace import Outcome
from core.domain.retry_after import retry_after_s
from core.errors import DpeError, NotConfigured, UpstreamRefused
from core.keys import key_advice, key_hide, key_hide_in_answer, key_of
from core.media import media_path
from core.models import Endpoint
from core.pace import Garbled, TryFailed

OTHER_LIMIT: Final = "max_completion_tokens"  # what servers of reasoning models want in place of max_tokens
SHOWN = 2000  # characters of what a server said against a call
PER_MILLION = Decimal(1_000_000)
MAY_PASS = (408, 409)  # a time-out and a lock
OVERLOADED = (*MAY_PASS, 503, 529)
TOO_MANY, SERVER_ERROR = 429, 500
ABOUT_THE_CALL = (400, 413, 422)  # this very question is refused; other statuses are about the endpoint
SCHEMA_WORDS = "\n\nReply with nothing but one JSON object that fits this JSON schema: "
Schema = TypeVar("Schema", bound=BaseModel)


class CallRefused(UpstreamRefused):
    """The endpoint will not answer this question, by its content or its size; others it may answer."""


@dataclass(frozen=True)
class ImageRef:
    """A stored picture."""

    sha256: str
    mime: str

    def data_url(self) -> str:
        """Its bytes as the data URL that chat completions take."""
        return f"data:{self.mime};base64,{base64.b64encode(media_path(self.sha256).read_bytes()).decode()}"


@dataclass(frozen=True)
class CallRequest:
    """What to ask: text, pictures, and the schema that the answer must fit, if any.

    Without a ``schema`` the answer is free text; ``max_tokens`` 0 leaves its length to the server. ``subject`` says
    what the call is for (``r1/s12/t0``); with the campaign, role and content it makes the idempotency key, so that the
    same question for the same purpose is paid once. ``scope`` and ``skill`` say under what its cost is counted, and are
    in neither hash nor key. ``ceiling`` is what the campaign allows an answer without ``max_tokens``; at its default it
    is in neither of them too, so that calls of before it came have kept theirs.
    """

    role: str
    subject: str
    prompt_version: str
    system: str
    text: str
    schema: type[BaseModel] | None
    images: tuple[ImageRef, ...] = ()
    num_choices: int = 1
    temperature: float = 0.0
    seed: int = 0
    top_p: float = 1.0
    max_tokens: int = 0
    ceiling: int = 0
    scope: str = ""
    skill: str = ""
    tool = ""  # no field: a model is no tool

    @cached_property
    def request_hash(self) -> str:
        """The content of the question: everything that can change the answer, pictures by hash."""
        parts = [
            self.system,
            self.text,
            *(image.sha256 for image in self.images),
            self.schema.__name__ if self.schema else "",
        ]
        parts += [str(self.num_choices), str(self.temperature), str(self.seed)]
        parts += [f"{name}={value}" for name, value in self.limits.items()]
        parts += [f"ceiling={self.ceiling}"] if self.ceiling not in (0, DEFAULT_ANSWER_TOKENS) else []
        return hash_bytes("\x1f".join(parts))

    def idempotency_key(self, endpoint: Endpoint) -> str:
        """The same for every try of the same call, also after a kill."""
        return call_key(endpoint, self.role, self.subject, self.request_hash)

    @property
    def inputs(self) -> dict[str, Any]:
        """What the ledger keeps of the question; the system's words are known by ``prompt_version``."""
        return {"text": self.text, "images": [image.sha256 for image in self.images]}

    def body(self, model: str, able: Capabilities = UNTESTED) -> dict[str, Any]:
        """The request as the API takes it, in the way that an endpoint with these capabilities needs."""
        blocks: list[dict[str, Any]] = [
            {"type": "image_url", "image_url": {"url": image.data_url()}} for image in self.images
        ]
        blocks.append({"type": "text", "text": self.text})
        form, words = schema_asked(self.schema, able.json_way) if self.schema else ({}, "")
        system = [{"role": "system", "content": self.system + words}] if self.system + words else []
        return {
            "model": model,
            "messages": [*system, {"role": "user", "content": blocks}],
            **form,
            **({"n": self.num_choices} if able.takes_n else {}),
            "temperature": self.temperature,
            "seed": self.seed % (1 << 31),
            **({able.limit_word: self.answer_bound} if self.answer_bound else {}),
            **({"top_p": self.top_p} if self.top_p < 1 else {}),
        }

    @property
    def answer_bound(self) -> int:
        """Tokens that each choice may have; 0 where nobody set a limit."""
        return self.max_tokens or self.ceiling

    @property
    def limits(self) -> dict[str, float]:
        """Settings that most calls leave to the server, as the API takes them; only those that are set."""
        set_ones = {"top_p": self.top_p} if self.top_p < 1 else {}
        return set_ones | ({"max_tokens": self.max_tokens} if self.max_tokens else {})


def schema_asked(schema: type[BaseModel], way: JsonWay) -> tuple[dict[str, Any], str]:
    """The part of a request that asks for JSON of this schema, and the words that go into the system prompt."""
    if way == "json_schema":
        asked = {"name": schema.__name__, "schema": json_schema(schema), "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": asked}}, ""
    form = {"response_format": {"type": "json_object"}} if way == "json_object" else {}
    return form, f"{SCHEMA_WORDS}{json.dumps(json_schema(schema))}"


def call_key(endpoint: Endpoint, role: str, subject: str, request_hash: str) -> str:
    """A call's name in the ledger and before the endpoint: campaign, model, role, purpose and content."""
    return hash_bytes(f"{endpoint.campaign_id}|{endpoint.model}|{role}|{subject}|{request_hash}")


@dataclass(frozen=True)
class CallAnswer:
    """What came back, as text (edited pictures by their sha256), with what it used.

    ``finish`` is ``length`` when a choice was cut off, ``stop`` when all ended by themselves, empty when nobody said.
    """

    choices: tuple[str, ...]
    tokens_in: int = 0
    tokens_out: int = 0
    num_images: int = 0
    finish: str = ""

    def cost(self, endpoint: Endpoint) -> Decimal:
        """Money by the endpoint's prices: per million tokens, and per edited picture; rounded up to a millionth."""
        tokens = self.tokens_in * endpoint.price_in + self.tokens_out * endpoint.price_out
        return money_up(tokens / PER_MILLION + self.num_images * endpoint.price_image)

    def parsed(self, schema: type[Schema]) -> list[Schema | None]:
        """Each choice as a checked value; None where the model's text does not fit the schema."""
        return [parse_choice(choice, schema) for choice in self.choices]


@cache
def json_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of an answer, made once."""
    return schema.model_json_schema()


def client_open(endpoint: Endpoint) -> openai.AsyncOpenAI:
    """A client for one endpoint, closed by its caller; NotConfigured when there is no key by the name that it gives."""
    key = key_of(endpoint.key_env)
    if not key:
        raise NotConfigured(f"The endpoint for {endpoint.role} has no key. {key_advice(endpoint.key_env)}")
    return guarded.client_open(endpoint, key)


async def send(client: openai.AsyncOpenAI, endpoint: Endpoint, request: CallRequest) -> CallAnswer:
    """One try of a call in the way that the endpoint is known to need.

    One that was never tested is asked by the schema, and where it refuses that, in words; what this shows is put into
    ``endpoint.capabilities`` (not stored here).
    """
    able = capabilities_of(endpoint)
    is_open = request.schema is not None and able.json_schema is None
    try:
        answer = await post(client, endpoint, request, able)
    except CallRefused as error:
        if able.limit_word == "max_tokens" and OTHER_LIMIT in str(error):
            learn(endpoint, limit_word=OTHER_LIMIT)
            return await send(client, endpoint, request)
        if not is_open:
            raise
        answer = await post(client, endpoint, request, able.model_copy(update={"json_schema": False}))
        learn(endpoint, json_schema=False)
    else:
        if is_open:
            learn(endpoint, json_schema=True)
    if request.num_choices > len(answer.choices):
        learn(endpoint, n=len(answer.choices))
    return answer


async def post(client: openai.AsyncOpenAI, endpoint: Endpoint, request: CallRequest, able: Capabilities) -> CallAnswer:
    """One try of a call; TryFailed says what the server's pace learns from it.

    The body is posted as it is: the library's typed method walks through it twice, a third of a call's cost.
    """
    headers = {"Idempotency-Key": request.idempotency_key(endpoint)}
    body = request.body(endpoint.model, able)
    with errors_named(f"{endpoint.base_url} ({request.role})", client.api_key):
        reply = await client.post("/chat/completions", cast_to=object, body=body, options={"headers": headers})
        return read_reply(Completion.model_validate(reply), client.api_key)


@contextmanager
def errors_named(who: str, key: str) -> Iterator[None]:
    """Whatever the library or a reply does wrong, as an error that says whether waiting helps, without the key.

    The error has no cause: that one holds the request with its headers, and whatever the server sent back.
    """
    try:
        yield
    except (openai.APIError, ValueError) as error:
        raise error_named(who, error, key) from None


def error_named(who: str, error: Exception, key: str) -> DpeError:
    """The error by its name, with what the server said as far as it may be shown."""
    said = key_hide(words_of(error), key)[:SHOWN]
    if fault := guarded.refused_by(error):
        return UpstreamRefused(f"{who} was not asked: {fault}.")
    if isinstance(error, openai.APIStatusError):
        return error_of_status(who, error, said)
    if isinstance(error, openai.APITimeoutError):
        return TryFailed(f"{who} did not answer in time: {said}", Outcome.CROWDED)
    if isinstance(error, openai.APIConnectionError):
        return TryFailed(f"{who} did not answer: {said}", Outcome.FAILED)
    if isinstance(error, openai.APIError):
        return UpstreamRefused(f"{who} refused the call: {said}")
    return Garbled(f"{who} sent something that is no answer: {said}")


def words_of(error: Exception) -> str:
    """What an error says; of a reply that does not fit only where and why, for pydantic quotes the rest cut short."""
    if isinstance(error, ValidationError):
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in faults)
    if 300 <= getattr(error, "status_code", 0) < 400:
        return "it leads elsewhere; give the address that it leads to as the base URL"
    return str(error)


def error_of_status(who: str, error: openai.APIStatusError, said: str) -> TryFailed | UpstreamRefused:
    """What a status that is no success means: to be tried again, about this question, or about the endpoint."""
    status, wait_s = error.status_code, retry_after_s(error.response.headers, datetime.now(UTC))
    if status == TOO_MANY:
        return TryFailed(f"{who} asks for fewer calls: {said}", Outcome.REFUSED, retry_after_s=wait_s)
    if status in OVERLOADED:
        return TryFailed(f"{who} did not answer: {said}", Outcome.CROWDED, retry_after_s=wait_s)
    if status >= SERVER_ERROR:
        return TryFailed(f"{who} did not answer: {said}", Outcome.FAILED, retry_after_s=wait_s)
    return (CallRefused if status in ABOUT_THE_CALL else UpstreamRefused)(f"{who} refused the call: {said}")


def read_reply(reply: Completion, key: str) -> CallAnswer:
    """The texts of a reply in the order of its choices, made clean of what no database can hold, and of the key."""
    ordered = sorted(reply.choices, key=lambda choice: choice.index or 0)
    usage = reply.usage or Usage()
    texts = tuple(key_hide_in_answer(choice_text(choice), key) for choice in ordered)
    used = (usage.prompt_tokens or 0, usage.completion_tokens or 0)
    return CallAnswer(texts, *used, finish=finish_of(ordered))
