"""Edited pictures from an endpoint that speaks OpenAI's ``images/edits``."""

import base64
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import openai
from pydantic import BaseModel

from core.domain.files import hash_bytes
from core.errors import InvalidInput
from core.media import Picture, media_path, picture_check
from core.models import Endpoint
from core.provider import ImageRef, call_key, errors_named

EDITOR = "editor"


@dataclass(frozen=True)
class EditRequest:
    """Which picture to change, and how, in words."""

    subject: str
    prompt_version: str
    image: ImageRef
    instruction: str
    num_images: int
    scope: str = ""
    skill: str = ""
    role: ClassVar[str] = EDITOR
    tool: ClassVar[str] = "image_edit"

    @cached_property
    def request_hash(self) -> str:
        """The content of the question, the picture by its hash."""
        return hash_bytes(json.dumps([self.inputs, self.num_images]))

    def idempotency_key(self, endpoint: Endpoint) -> str:
        """The same for every try of the same edit, also after a kill."""
        return call_key(endpoint, self.role, self.subject, self.request_hash)

    @property
    def inputs(self) -> dict[str, Any]:
        """What the ledger keeps of the question."""
        return {"text": self.instruction, "images": [self.image.sha256]}


class Edited(BaseModel):
    """One picture of a reply."""

    b64_json: str | None = None


class Edits(BaseModel):
    """As much of a reply as is needed here."""

    data: list[Edited]


async def send_edit(client: openai.AsyncOpenAI, endpoint: Endpoint, request: EditRequest) -> list[Picture]:
    """The pictures that came back whole, at most as many as were asked for; one try."""
    with errors_named(f"{endpoint.base_url} ({request.role})", client.api_key):
        raw = await client.images.with_raw_response.edit(
            model=endpoint.model,
            image=("picture", media_path(request.image.sha256).read_bytes(), request.image.mime),
            prompt=request.instruction,
            n=request.num_images,
            response_format="b64_json",
            extra_headers={"Idempotency-Key": request.idempotency_key(endpoint)},
        )
        return pictures_of(Edits.model_validate_json(raw.content), request.num_images)


def pictures_of(reply: Edits, most: int) -> list[Picture]:
    """The whole pictures of a reply, each once; what is none is left out."""
    found: dict[str, Picture] = {}
    for one in reply.data[:most]:
        try:
            picture = picture_check(base64.b64decode(one.b64_json or "", validate=True))
        except (InvalidInput, ValueError):
            continue
        found[picture.sha256] = picture
    return list(found.values())
