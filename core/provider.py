"""The one client for OpenAI-compatible endpoints: pictures in, checked JSON out."""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, cached_property
from typing import Any, TypeVar

import openai
from pydantic import BaseModel, Field, ValidationError

from core.domain.files import hash_bytes
from core.domain.pace import Outcome
from core.domain.retry_after import retry_after_s
from core.errors import NotConfigured, UpstreamRefused
from core.media import media_path
from core.models import Endpoint
from core.pace import Garbled, TryFailed

PER_MILLION = Decimal(1_000_000)
MAY_PASS = (408, 409)  # a time-out and a lock
OVERLOADED = (*MAY_PASS, 503, 529)
TOO_MANY, SERVER_ERROR = 429, 500
ABOUT_THE_CALL = (400, 413, 422)  # this very question is refused; other statuses are about the endpoint
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
    same question for the same purpose is paid once.
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
        return hash_bytes("\x1f".join(parts))

    def idempotency_key(self, endpoint: Endpoint) -> str:
        """The same for every try of the same call, also after a kill."""
        return call_key(endpoint, self.role, self.subject, self.request_hash)

    @property
    def inputs(self) -> dict[str, Any]:
        """What the ledger keeps of the question; the system's words are known by ``prompt_version``."""
        return {"text": self.text, "images": [image.sha256 for image in self.images]}

    def body(self, model: str) -> dict[str, Any]:
        """The request as the API takes it."""
        blocks: list[dict[str, Any]] = [
            {"type": "image_url", "image_url": {"url": image.data_url()}} for image in self.images
        ]
        blocks.append({"type": "text", "text": self.text})
        system = [{"role": "system", "content": self.system}] if self.system else []
        return {
            "model": model,
            "messages": [*system, {"role": "user", "content": blocks}],
            **(response_format(self.schema) if self.schema else {}),
            "n": self.num_choices,
            "temperature": self.temperature,
            "seed": self.seed % (1 << 31),
            **self.limits,
        }

    @property
    def limits(self) -> dict[str, float]:
        """Settings that most calls leave to the server, as the API takes them; only those that are set."""
        set_ones = {"top_p": self.top_p} if self.top_p < 1 else {}
        return set_ones | ({"max_tokens": self.max_tokens} if self.max_tokens else {})


def response_format(schema: type[BaseModel]) -> dict[str, Any]:
    """The part of a request that asks for JSON of this schema."""
    asked = {"name": schema.__name__, "schema": json_schema(schema), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": asked}}


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
        """Money by the endpoint's prices: per million tokens, and per edited picture."""
        tokens = self.tokens_in * endpoint.price_in + self.tokens_out * endpoint.price_out
        return tokens / PER_MILLION + self.num_images * endpoint.price_image

    def parsed(self, schema: type[Schema]) -> list[Schema | None]:
        """Each choice as a checked value; None where the model's text does not fit the schema."""
        return [parse_choice(choice, schema) for choice in self.choices]


class Spoken(BaseModel):
    """A message; some servers send its content as blocks, or none."""

    content: Any = None


class Choice(BaseModel):
    """One choice."""

    index: int | None = None
    message: Spoken | None = None
    finish_reason: str | None = None


class Usage(BaseModel):
    """Tokens used."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Completion(BaseModel):
    """As much of a chat completion as is needed here; all else may be missing."""

    choices: list[Choice] = Field(min_length=1)
    usage: Usage | None = None


@cache
def json_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of an answer, made once."""
    return schema.model_json_schema()


def parse_choice(text: str, schema: type[Schema]) -> Schema | None:
    """One answer as a checked value, or None."""
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        return schema.model_validate_json(bare)
    except ValidationError:
        return None


def client_open(endpoint: Endpoint) -> openai.AsyncOpenAI:
    """A client for one endpoint, closed by its caller; NotConfigured when its key's variable is not set."""
    key = os.environ.get(endpoint.key_env, "") if endpoint.key_env else "none"
    if not key:
        raise NotConfigured(f"Set {endpoint.key_env}: the endpoint for {endpoint.role} takes its key from it.")
    return openai.AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=key,
        timeout=endpoint.timeout_s,
        max_retries=0,  # core.pace tries again: every try takes a turn
        http_client=openai.DefaultAioHttpClient(),
    )


async def send(client: openai.AsyncOpenAI, endpoint: Endpoint, request: CallRequest) -> CallAnswer:
    """One try of a call; TryFailed says what the server's pace learns from it.

    The body is posted as it is: the library's typed method walks through it twice, a third of a call's cost.
    """
    headers = {"Idempotency-Key": request.idempotency_key(endpoint)}
    body = request.body(endpoint.model)
    with errors_named(f"{endpoint.base_url} ({request.role})"):
        reply = await client.post("/chat/completions", cast_to=object, body=body, options={"headers": headers})
        return read_reply(Completion.model_validate(reply))


@contextmanager
def errors_named(who: str) -> Iterator[None]:
    """Whatever the library or a reply does wrong, as an error that says whether waiting helps."""
    try:
        yield
    except openai.APIStatusError as error:
        raise error_of_status(who, error) from error
    except openai.APITimeoutError as error:
        raise TryFailed(f"{who} did not answer in time: {error}", Outcome.CROWDED) from error
    except openai.APIConnectionError as error:
        raise TryFailed(f"{who} did not answer: {error}", Outcome.FAILED) from error
    except openai.APIError as error:
        raise UpstreamRefused(f"{who} refused the call: {error}") from error
    except ValueError as error:
        raise Garbled(f"{who} sent something that is no answer: {error}") from error


def error_of_status(who: str, error: openai.APIStatusError) -> TryFailed | UpstreamRefused:
    """What a status that is no success means: to be tried again, about this question, or about the endpoint."""
    status, wait_s = error.status_code, retry_after_s(error.response.headers, datetime.now(UTC))
    if status == TOO_MANY:
        return TryFailed(f"{who} asks for fewer calls: {error}", Outcome.REFUSED, retry_after_s=wait_s)
    if status in OVERLOADED:
        return TryFailed(f"{who} did not answer: {error}", Outcome.CROWDED, retry_after_s=wait_s)
    if status >= SERVER_ERROR:
        return TryFailed(f"{who} did not answer: {error}", Outcome.FAILED, retry_after_s=wait_s)
    return (CallRefused if status in ABOUT_THE_CALL else UpstreamRefused)(f"{who} refused the call: {error}")


def read_reply(reply: Completion) -> CallAnswer:
    """The texts of a reply in the order of its choices; text that no database can hold is made clean."""
    ordered = sorted(reply.choices, key=lambda choice: choice.index or 0)
    usage = reply.usage or Usage()
    texts = tuple(choice_text(choice) for choice in ordered)
    used = (usage.prompt_tokens or 0, usage.completion_tokens or 0)
    return CallAnswer(texts, *used, finish=finish_of(ordered))


def finish_of(choices: list[Choice]) -> str:
    """How the choices ended: ``length`` when one was cut off, ``stop`` when each says that it was not, else empty."""
    reasons = [choice.finish_reason for choice in choices]
    if "length" in reasons:
        return "length"
    return "stop" if all(reasons) else ""


def choice_text(choice: Choice) -> str:
    """The text of one choice; empty where there is none, which then fits no schema."""
    content = choice.message.content if choice.message else None
    return clean_text(content) if isinstance(content, str) else ""


def clean_text(text: str) -> str:
    """Text without NUL and half surrogates, which JSON can carry and PostgreSQL cannot store."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
