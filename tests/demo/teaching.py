"""Requests to the teacher as the provider client sends them."""

import base64
import json
from pathlib import Path
from random import Random
from typing import Any

from demo.teacher.app import Teacher
from demo.teacher.bill import Bill, Book
from demo.world.scenes import Scene, to_png
from demo.world.suites import SUITES, Suite


class OpenBook(Book):
    """A book that a test may look into: what is in no reply."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.bills: list[Bill] = []

    def pay(self, bill: Bill) -> None:
        super().pay(bill)
        self.bills.append(bill)


def scene_of(suite: str, seed: int) -> Scene:
    return SUITES[suite].draw(Random(seed))


def text_of(facts: dict[str, Any]) -> str:
    return f"The facts are these.\n<<<\n{json.dumps(facts)}\n>>>\nAnswer in JSON."


def request(schema: str, text: str, scene: Scene | None = None, **more: Any) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = []
    if scene is not None:
        url = "data:image/png;base64," + base64.b64encode(to_png(scene)).decode()
        blocks.append({"type": "image_url", "image_url": {"url": url}})
    blocks.append({"type": "text", "text": text})
    return {
        "model": "mini-world-teacher",
        "messages": [{"role": "system", "content": "skill: none of these"}, {"role": "user", "content": blocks}],
        "response_format": {"type": "json_schema", "json_schema": {"name": schema, "schema": {}, "strict": True}},
        **more,
    }


def ask(teacher: Teacher, body: dict[str, Any], key: str = "") -> list[str]:
    status, reply = teacher.complete(json.dumps(body).encode(), key)
    assert status == 200, reply
    return [choice["message"]["content"] for choice in reply["choices"]]


def write_question(teacher: Teacher, suite: Suite, seed: int) -> tuple[Scene, dict[str, Any]]:
    scene = suite.draw(Random(seed))
    body = request("WrittenQuestion", text_of({"skill": suite.skill, "image_type": suite.image_type}), scene, seed=seed)
    return scene, json.loads(ask(teacher, body)[0])
