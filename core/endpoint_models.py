"""Whether an endpoint answers at all, and knows its model: ``GET /models``, which costs nothing."""

import httpx
from pydantic import BaseModel, ValidationError

from core.endpoint_test import MAX_REPLY, Probe, Reply, sentence, upstream_words

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
        return False, f"Set {probe.key_env} in the environment of the site and its workers, then restart them."
    try:
        status, raw = models_get(probe)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return False, sentence(probe, Reply(0, f"{type(error).__name__}: {error}"))
    if not 200 <= status < 300:
        return False, sentence(probe, Reply(status, upstream_words(raw)))
    return True, unknown_model(probe, raw)


def models_get(probe: Probe) -> tuple[int, bytes]:
    """Status and body, as far as MAX_REPLY."""
    address, headers = f"{probe.base_url.rstrip('/')}/models", {"Authorization": f"Bearer {probe.key}"}
    raw = b""
    with httpx.stream("GET", address, headers=headers, timeout=PATIENCE_S) as answer:
        for part in answer.iter_bytes():
            raw += part
            if len(raw) > MAX_REPLY:
                break
        return answer.status_code, raw


def unknown_model(probe: Probe, raw: bytes) -> str:
    """A sentence when the list does not name the model; a list that cannot be read says nothing."""
    try:
        served = [model.id for model in Models.model_validate_json(raw).data]
    except ValidationError:
        return ""
    if probe.model in served:
        return ""
    return f"{probe.base_url} does not list {probe.model!r}; it serves {', '.join(served[:SHOWN_MODELS]) or 'nothing'}."
