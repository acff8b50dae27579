"""The one prompt template: diagnosis, scoring, training and evaluation all ask in these words."""

from collections.abc import Mapping

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from core.domain.files import hash_bytes

PROMPT_VERSION = "boxed-1"
FORMAT_REQUEST = "Put the final answer in \\boxed{}."


class Block(TypedDict, total=False):
    """One part of a message. Never add an ``image`` key: Arrow fills it with None and placeholders count as filled."""

    type: str
    text: str


class Message(TypedDict):
    """One turn of a conversation, as chat templates and TRL read it."""

    role: str
    content: list[Block]


def question_text(question: str, options: Mapping[str, str] | None = None, hint: str = "") -> str:
    """The text of one item: hint, question, options one a line, and the request for the format that is rewarded."""
    lines = [hint] if hint else []
    lines.append(question)
    lines += [f"{letter}. {text}" for letter, text in (options or {}).items() if text]
    lines.append(FORMAT_REQUEST)
    return "\n".join(lines)


def question_messages(
    question: str,
    options: Mapping[str, str] | None = None,
    hint: str = "",
    num_images: int = 1,
) -> list[Message]:
    """One user turn: ``num_images`` image placeholders, then the text."""
    blocks: list[Block] = [{"type": "image"} for _ in range(num_images)]
    blocks.append({"type": "text", "text": question_text(question, options, hint)})
    return [{"role": "user", "content": blocks}]


# Changes with every word of the template, whether or not somebody thought of PROMPT_VERSION.
PROMPT_HASH = hash_bytes(question_text("{question}", {"A": "{option}", "B": "{option}"}, "{hint}"))
