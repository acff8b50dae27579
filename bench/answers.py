"""What the benches' server answers: one text of about 1 KB a role, or what follows from the question."""

import json
import re
from functools import cache
from typing import Any

from core.domain.files import hash_bytes

SCHEMA = re.compile(rb'"json_schema": ?\{"name": ?"(\w+)"')
NUMBER = re.compile(rb'"n": ?(\d+)')
WORDS = "The picture shows parts whose number has to be read with care before anything is calculated. "
LONG = (WORDS * 11)[:950]
FIXED: dict[str, dict[str, Any]] = {
    "Plan": {"question_type": "number", "plan": LONG, "queries": ["parts", "a drawing"], "edit_goal": ""},
    "WrittenQuestion": {"question": LONG, "options": [], "answer": "42", "answer_type": "number"},
    "Validation": {"valid": True, "reason": LONG},
    "Solve": {"answer": "42"},
}


def fixed_reply(body: bytes) -> bytes:
    """The same answer to every question of a role, as often as it is asked for."""
    asked = SCHEMA.search(body, max(0, body.rfind(b'"json_schema":')))
    number = NUMBER.search(body, max(0, body.rfind(b'"n":')))
    if not asked:
        raise ValueError(f"no schema in {body[-2000:]!r}")
    return reply_of(json.dumps(FIXED[asked[1].decode()]), int(number[1]) if number else 1)


@cache
def reply_of(text: str, number: int) -> bytes:
    """A chat completion with ``number`` choices."""
    choices = [
        {"index": i, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"} for i in range(number)
    ]
    usage = {"prompt_tokens": 900, "completion_tokens": 230, "total_tokens": 1130}
    return json.dumps({"id": "x", "object": "chat.completion", "choices": choices, "usage": usage}).encode()


def world_reply(body: bytes) -> bytes:
    """What follows from the question and its picture, with faults of every kind in a known share."""
    asked = json.loads(body)
    user = asked["messages"][-1]["content"]
    text = user[-1]["text"]
    image = user[0]["image_url"]["url"] if len(user) > 1 else ""
    schema = asked["response_format"]["json_schema"]["name"]
    said = WORLD[schema](text, image, asked["seed"])
    return reply_of.__wrapped__(said if isinstance(said, str) else json.dumps(said), asked["n"])


def draw(text: str, most: int) -> int:
    """A number from 0 to most - 1 that follows from the text."""
    return int(hash_bytes(text)[:8], 16) % most


def truth(image: str) -> str:
    """What a picture truly shows."""
    return str(draw(image, 90) + 10)


def plan(text: str, image: str, seed: int) -> object:
    """A plan; one in twenty is no JSON."""
    said = FIXED["Plan"] | {"plan": f"Read it {seed}."}
    return "no JSON at all" if draw(text, 20) == 0 else said


def question(text: str, image: str, seed: int) -> object:
    """A question; one in twenty is cut off, one has no number as its answer, one has a wrong one."""
    luck = draw(text + image, 20)
    if luck == 0:
        return '{"question": "cut off'
    answer = {1: "many", 2: str(int(truth(image)) + 1)}.get(luck, truth(image))
    return FIXED["WrittenQuestion"] | {"question": f"Which number ({seed % 7})?", "answer": answer}


def validation(text: str, image: str, seed: int) -> object:
    """One in twelve pictures can be read in two ways."""
    is_bad = draw("v" + image, 12) == 0
    return {"valid": not is_bad, "reason": "ambiguous: two readings" if is_bad else ""}


def solve(text: str, image: str, seed: int) -> object:
    """What the picture truly shows."""
    return {"answer": truth(image)}


WORLD = {"Plan": plan, "WrittenQuestion": question, "Validation": validation, "Solve": solve}
