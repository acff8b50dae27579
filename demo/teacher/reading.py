"""What a request says: role, fields of its text, the scene inside its picture."""

import base64
import re
from dataclasses import dataclass
from random import Random
from typing import Any

from core.domain.files import hash_bytes
from demo.world.scenes import Scene, read_scene

OPTION = re.compile(r"^([A-H])[.):]\s*(\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Asked:
    """One chat completion request, read."""

    role: str
    text: str
    scene: Scene | None
    num_choices: int
    temperature: float
    content_hash: str

    def field(self, name: str) -> str:
        """The value of a line ``name: value`` of the text; empty when there is none."""
        found = re.search(rf"^{name}:[ \t]*(.*)$", self.text, re.MULTILINE | re.IGNORECASE)
        return found.group(1).strip() if found else ""

    @property
    def options(self) -> dict[str, str]:
        """The lines ``A. text`` of the text."""
        return {letter: text.strip() for letter, text in OPTION.findall(self.text)}

    def random(self, purpose: str) -> Random:
        """Chance that depends on the request's content alone, never on the order of arrival."""
        return Random(f"{purpose}-{self.content_hash}")


def read_request(body: dict[str, Any], seed: int) -> Asked:
    """The request's body as values; ValueError says what is missing."""
    messages = body["messages"]
    blocks = [block for message in messages if isinstance(message["content"], list) for block in message["content"]]
    texts = [block["text"] for block in blocks if block.get("type") == "text"]
    pictures = [block["image_url"]["url"] for block in blocks if block.get("type") == "image_url"]
    schema = body.get("response_format", {}).get("json_schema", {}).get("name", "")
    parts = [schema, *texts, *(hash_bytes(url) for url in pictures), str(body.get("seed", 0)), str(seed)]
    return Asked(
        role=schema,
        text="\n".join(texts),
        scene=scene_of(pictures[0]) if pictures else None,
        num_choices=int(body.get("n", 1)),
        temperature=float(body.get("temperature", 0.0)),
        content_hash=hash_bytes("\x1f".join(parts)),
    )


def scene_of(url: str) -> Scene:
    """The scene that a data URL's PNG tells of; no pixel is decoded."""
    header, _, data = url.partition(",")
    if not header.endswith(";base64"):
        raise ValueError("pictures come as base64 data URLs")
    return read_scene(base64.b64decode(data))
