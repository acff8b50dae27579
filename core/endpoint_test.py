"""One call that tells what an endpoint can do: pictures, several choices, answers that keep a schema, usage.

It runs in the request that asks for it and ends within ``PATIENCE_S``, so that it waits behind no long job.
"""

import asyncio
import base64
import io
import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from PIL import Image
from pydantic import BaseModel, ValidationError

from core.access import audit, require
from core.completion import Completion, choice_text, clean_text, parse_choice
from core.errors import WrongState
from core.guarded import refused_by, session_open
from core.keys import key_advice, key_hide, key_of
from core.models import Endpoint
from core.provider import json_schema

PATIENCE_S = 15.0  # below the 20 s after which htmx gives up
MAX_REPLY = 1 << 20
SHOWN = 200
NUM_CHOICES = 2
ASK = 'Which colour is the square? Answer with JSON like {"colour": "blue"}.'
COLOUR = "red"
REFUSED = "refused: "  # by ourselves: the address is none for this endpoint
FEATURES = ("images", "n", "json_schema")


class EndpointProbe(BaseModel):
    """What a tested endpoint is asked for."""

    colour: str


@dataclass(frozen=True)
class Found:
    """What a test found; ``error`` is a sentence that says what to change, empty when the endpoint answers."""

    answers: bool = False
    images: bool = False
    sees: bool = False
    n: int = 0
    json_schema: bool = False
    json_object: bool = False
    usage: bool = False
    latency_ms: int = 0
    num_calls: int = 0
    error: str = ""


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; status 0 stands for none at all, ``text`` then says why."""

    status: int
    text: str
    latency_ms: int = 0
    completion: Completion | None = None


@dataclass(frozen=True)
class Probe:
    """How to reach an endpoint once."""

    base_url: str
    model: str
    key_env: str
    is_private: bool = False

    @cached_property
    def key(self) -> str:
        """The key, as calls find it; empty where there is none."""
        return key_of(self.key_env)

    def body(self, features: tuple[str, ...]) -> dict[str, Any]:
        """A chat completion that asks for these features, shaped as agents ask."""
        blocks: list[dict[str, Any]] = [{"type": "text", "text": ASK}]
        if "images" in features:
            blocks.insert(0, {"type": "image_url", "image_url": {"url": square_url()}})
        body: dict[str, Any] = {"model": self.model, "messages": [{"role": "user", "content": blocks}]}
        if "n" in features:
            body |= {"n": NUM_CHOICES, "temperature": 1.0}
        if "json_schema" in features:
            schema = {"name": EndpointProbe.__name__, "schema": json_schema(EndpointProbe), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if "json_object" in features:
            body["response_format"] = {"type": "json_object"}
        return body


def endpoint_test(*, actor: User, endpoint: Endpoint) -> Endpoint:
    """The endpoint with what a test found just now; WrongState when somebody changed it meanwhile."""
    require(actor, "research", endpoint.campaign)
    place = {"base_url": endpoint.base_url, "model": endpoint.model, "key_env": endpoint.key_env}
    found = asyncio.run(probe_endpoint(Probe(**place, is_private=endpoint.is_private)))
    with transaction.atomic():
        same = Endpoint.objects.filter(pk=endpoint.pk, **place)
        if not same.update(capabilities=asdict(found), checked_at=timezone.now()):
            raise WrongState(f"The endpoint for {endpoint.role} was changed while it was tested.")
        audit(actor, "endpoint.tested", endpoint, campaign=endpoint.campaign, role=endpoint.role, error=found.error)
    endpoint.refresh_from_db()
    return endpoint


async def probe_endpoint(probe: Probe, patience_s: float = PATIENCE_S) -> Found:
    """What the endpoint can do: from one call, and from up to four smaller ones only where that one is refused."""
    if not probe.key:
        return Found(error=key_advice(probe.key_env))
    session = session_open(is_private=probe.is_private, patience_s=patience_s, key=probe.key)
    try:
        async with asyncio.timeout(patience_s), session:
            return await ask_object(session, probe, await ask_all(session, probe))
    except TimeoutError:
        return Found(error=f"It did not answer within {patience_s:.0f} s: is the server up, and not loading its model?")


async def ask_all(session: aiohttp.ClientSession, probe: Probe) -> Found:
    """Everything at once; where that is refused, plain text, and then each feature alone."""
    whole = await ask(session, probe, FEATURES)
    if whole.completion or whole.status not in (400, 413, 415, 422, 500, 501):
        return read(probe, whole, FEATURES)
    plain = await ask(session, probe, ())
    if not plain.completion:
        return replace(read(probe, plain, ()), num_calls=2)
    alone = await asyncio.gather(*(ask(session, probe, (feature,)) for feature in FEATURES))
    facts = [read(probe, reply, (feature,)) for reply, feature in zip(alone, FEATURES, strict=True)]
    images, choices, schema = facts
    return replace(
        read(probe, plain, ()),
        images=images.images,
        sees=images.sees,
        n=max(1, choices.n),
        json_schema=schema.json_schema,
        num_calls=2 + len(FEATURES),
    )


async def ask_object(session: aiohttp.ClientSession, probe: Probe, found: Found) -> Found:
    """Where no schema is kept: whether JSON can be asked for without one."""
    if not found.answers or found.json_schema:
        return found
    reply = await ask(session, probe, ("json_object",))
    return replace(found, json_object=read(probe, reply, ("json_object",)).json_object, num_calls=found.num_calls + 1)


def read(probe: Probe, reply: Reply, features: tuple[str, ...]) -> Found:
    """What one reply shows."""
    if reply.completion is None:
        return Found(error=sentence(probe, reply), num_calls=1)
    texts = [choice_text(choice) for choice in reply.completion.choices]
    parsed = [parse_choice(text, EndpointProbe) for text in texts]
    has_image = "images" in features
    usage = reply.completion.usage
    return Found(
        answers=True,
        images=has_image,
        sees=has_image and all(COLOUR in text.lower() for text in texts),
        n=len(texts),
        json_schema="json_schema" in features and all(parsed),
        json_object="json_object" in features and all(parsed),
        usage=bool(usage and usage.prompt_tokens),
        latency_ms=reply.latency_ms,
        num_calls=1,
    )


async def ask(session: aiohttp.ClientSession, probe: Probe, features: tuple[str, ...]) -> Reply:
    """One call; what goes wrong on the way is a reply with status 0."""
    address = f"{probe.base_url.rstrip('/')}/chat/completions"
    started = time.monotonic()
    try:
        async with session.post(address, json=probe.body(features), allow_redirects=False) as answer:
            raw = await body_of(answer)
    except (aiohttp.ClientError, ValueError) as error:
        return broken(error)
    latency_ms = round(1000 * (time.monotonic() - started))
    return Reply(answer.status, upstream_words(raw, probe.key), latency_ms, completion_of(answer.status, raw))


def broken(error: Exception) -> Reply:
    """That nothing came back, and why."""
    fault = refused_by(error)
    return Reply(0, f"{REFUSED}{fault}" if fault else f"{type(error).__name__}: {error}")


async def body_of(answer: aiohttp.ClientResponse) -> bytes:
    """The body, as far as MAX_REPLY."""
    raw = bytearray()
    async for part in answer.content.iter_chunked(1 << 16):
        raw += part
        if len(raw) > MAX_REPLY:
            break
    return bytes(raw)


def completion_of(status: int, raw: bytes) -> Completion | None:
    """The chat completion in a good answer; None where it is none."""
    try:
        return Completion.model_validate_json(raw) if 200 <= status < 300 else None
    except ValidationError:
        return None


class UpstreamWords(BaseModel):
    """How most servers word an error."""

    message: str = ""


class UpstreamError(BaseModel):
    """An error's body; vLLM puts the words at the top, others below ``error``."""

    error: UpstreamWords | str | None = None
    message: str = ""


def upstream_words(raw: bytes, key: str) -> str:
    """What the server says of its error, in one short line without the key; empty where nothing can be read."""
    try:
        body = UpstreamError.model_validate_json(raw)
    except ValidationError:
        return ""
    said = body.error.message if isinstance(body.error, UpstreamWords) else body.error or body.message
    return key_hide(" ".join(clean_text(said).split()), key)[:SHOWN]


def sentence(probe: Probe, reply: Reply) -> str:
    """What is wrong and what to change."""
    words = f" It says: {reply.text}" if reply.text and reply.status else ""
    if reply.status == 0:
        return silence(probe, reply.text)
    if reply.status in (401, 403):
        return f"It refuses the key ({reply.status}): {refusal_advice(probe)}{words}"
    if reply.status == 404:
        return f"It knows no such address or model (404): {address_advice(probe)}{words}"
    if reply.status == 429:
        return f"It answers too many requests or no quota left (429): wait, or raise the limit there.{words}"
    if 300 <= reply.status < 400:
        return f"It leads elsewhere ({reply.status}): give the address that it leads to as the base URL."
    if reply.status < 300:
        return "It sent something that is no chat completion: is the base URL that of an OpenAI-compatible API?"
    whose = "has a fault of its own" if reply.status >= 500 else "refuses a plain question"
    return f"It {whose} ({reply.status}).{words or ' See its log.'}"


def silence(probe: Probe, why: str) -> str:
    """Why nothing came back."""
    host = urlsplit(probe.base_url).netloc
    if why.startswith(REFUSED):
        return f"{host} was not asked: {why.removeprefix(REFUSED)}."
    if why.startswith("TimeoutError"):
        return f"{host} does not answer in time: is the server up, and not loading its model?"
    if "DNSError" in why or "Name or service" in why or "resolution" in why:
        return f"No host has the name of {host}: correct the base URL."
    if "CERTIFICATE" in why or "SSL" in why:
        return f"{host} has no certificate that this server trusts, or speaks http where https was asked for."
    if "ConnectorError" in why:
        return f"Nobody listens at {host}: start the server there, or correct the base URL."
    return f"{host} broke off: {key_hide(why, probe.key)[:SHOWN]}"


def refusal_advice(probe: Probe) -> str:
    """What to do about a refused key."""
    if probe.key_env:
        return f"put a valid key into {probe.key_env} and restart the site and its workers."
    return "name the variable that holds its key."


def address_advice(probe: Probe) -> str:
    """What to do about an address that is not there."""
    lacks = not urlsplit(probe.base_url).path.rstrip("/").endswith("/v1")
    return f"{'the base URL ends in no /v1; ' if lacks else ''}is {probe.model!r} a model that it serves?"


def square_url() -> str:
    """A red square as a data URL."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (220, 20, 30)).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
