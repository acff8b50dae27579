"""Whether an endpoint answers at all, and knows its model: ``GET /models``, which costs nothing."""

import asyncio

import aiohttp
from pydantic import BaseModel, ValidationError

from core.endpoint_test import Probe, Reply, body_of, broken, sentence, upstream_words
from core.guarded import session_open
from core.keys import key_advice, key_hide

PATIENCE_S = 5.0
SHOWN_MODELS = 5


class Model(BaseModel):
    """One served model."""

    id: str


class Models(BaseModel):
    """What GET /models answers."""

    data: list[Model]


def models_check(probe: Probe) -> tuple[bool, str]:
    """Whether the endpoint answers, and a sentence; empty when it answers and serves the model."""
    if not probe.key:
        return False, key_advice(probe.key_env)
    try:
        status, raw = asyncio.run(models_get(probe))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return False, sentence(probe, broken(error))
    if not 200 <= status < 300:
        return False, sentence(probe, Reply(status, upstream_words(raw, probe.key)))
    return True, unknown_model(probe, raw)


async def models_get(probe: Probe) -> tuple[int, bytes]:
    """Status and body, as far as MAX_REPLY."""
    address = f"{probe.base_url.rstrip('/')}/models"
    async with (
        session_open(is_private=probe.is_private, patience_s=PATIENCE_S, key=probe.key) as session,
        session.get(address, allow_redirects=False) as answer,
    ):
        return answer.status, await body_of(answer)


def unknown_model(probe: Probe, raw: bytes) -> str:
    """A sentence when the list does not name the model; a list that cannot be read says nothing."""
    try:
        served = [key_hide(model.id, probe.key) for model in Models.model_validate_json(raw).data]
    except ValidationError:
        return ""
    if probe.model in served:
        return ""
    return f"{probe.base_url} does not list {probe.model!r}; it serves {', '.join(served[:SHOWN_MODELS]) or 'nothing'}."
