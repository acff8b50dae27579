"""What a request says: role, facts of its text, the scenes inside its pictures."""

import base64
import json
import re
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

from core.domain.files import hash_bytes
from demo.teacher.probe import PROBE, UNSEEN, colour_of
from demo.world.scenes import Scene, read_scene

FENCED = re.compile(r"<<<\s*(\{.*?\})\s*>>>", re.DOTALL)
LINE = re.compile(r"^([A-Za-z][A-Za-z _-]{0,30}):[ \t]*(.*)$", re.MULTILINE)
OPTION = re.compile(r"^([A-H])[.):]\s*(\S.*)$", re.MULTILINE)
MAX_CHOICES = 128


@dataclass(frozen=True)
class Asked:
    """One chat completion request, read. ``content_hash`` names all that may change the answer."""

    role: str
    text: str
    scenes: tuple[Scene, ...]
    num_choices: int
    temperature: float
    content_hash: str
    colour: str = UNSEEN

    @property
    def scene(self) -> Scene | None:
        """What the first picture shows, where there is one."""
        return self.scenes[0] if self.scenes else None

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What the text tells by name: the fields of fenced JSON objects, else lines ``name: value``."""
        found: dict[str, Any] = {}
        for name, value in LINE.findall(self.text):
            found.setdefault(plain_name(name), value.strip())
        for fenced in FENCED.findall(self.text):
            found |= fields_of(fenced)
        return found

    def fact(self, *names: str) -> str:
        """The first of these facts that the text tells, as text; empty when it tells none."""
        told = (self.facts.get(name) for name in names)
        return next((str(value).strip() for value in told if value not in (None, "", [], {})), "")

    @cached_property
    def options(self) -> dict[str, str]:
        """Options by letter: a fact ``options`` (an object or a list of letter and text), else lines ``A. text``."""
        told = self.facts.get("options")
        if isinstance(told, dict):
            return {str(letter): str(text) for letter, text in told.items()}
        if isinstance(told, list):
            return {str(one["letter"]): str(one["text"]) for one in told if isinstance(one, dict)}
        return {letter: text.strip() for letter, text in OPTION.findall(self.text)}

    def random(self, purpose: str) -> Random:
        """Chance that depends on the request's content alone, never on the order of arrival."""
        return Random(f"{purpose}-{self.content_hash}")


def plain_name(name: str) -> str:
    """``Image type`` and ``image_type`` are one name."""
    return re.sub(r"[ -]+", "_", name.strip()).lower()


def fields_of(text: str) -> dict[str, Any]:
    """The fields of a JSON object; none where it is no JSON."""
    try:
        fields = json.loads(text)
    except ValueError:
        return {}
    return {plain_name(name): value for name, value in fields.items()}


def read_request(body: dict[str, Any], seed: int) -> Asked:
    """The request's body as values; KeyError, TypeError or ValueError where something is missing or foreign."""
    said = [(message["role"], block) for message in body["messages"] for block in blocks_of(message["content"])]
    texts = [(role, block["text"]) for role, block in said if block["type"] == "text"]
    pictures = [block["image_url"]["url"] for _, block in said if block["type"] == "image_url"]
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("name", "")
    num_choices, temperature = int(body.get("n") or 1), float(body.get("temperature") or 0)
    if not 1 <= num_choices <= MAX_CHOICES:
        raise ValueError(f"n must be from 1 to {MAX_CHOICES}")
    content = (schema, texts, pictures, temperature, body.get("seed") or 0, seed)
    return Asked(
        role=schema,
        text="\n".join(text for role, text in texts if role == "user"),
        colour=colour_of(pictures[0]) if pictures and schema == PROBE else UNSEEN,
        scenes=() if schema == PROBE else tuple(scene_of(picture) for picture in pictures),
        num_choices=num_choices,
        temperature=temperature,
        content_hash=hash_bytes(json.dumps(content)),
    )


def blocks_of(content: Any) -> list[dict[str, Any]]:
    """A message's content as blocks; plain text is one."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def scene_of(url: str) -> Scene:
    """The scene that a data URL's PNG tells of; no pixel is decoded."""
    header, _, data = url.partition(",")
    if not header.endswith(";base64"):
        raise ValueError("pictures come as base64 data URLs")
    return read_scene(base64.b64decode(data))
