"""Langfuse dataset items: ``input`` is a text, an object or chat messages, ``expectedOutput`` the answer."""

import json
from collections.abc import Iterator, Mapping

from diagnostics.formats.jsonl import json_records
from diagnostics.formats.records import Origin, Record, record_row
from diagnostics.formats.row import Row

ANSWER_KEYS = ("answer", "label", "output", "text")


def is_langfuse(record: Record) -> bool:
    """Whether an object looks like a dataset item."""
    return "input" in record and bool({"expectedOutput", "expected_output"} & record.keys())


def langfuse_rows(origin: Origin) -> Iterator[Row]:
    """Every item that is not archived."""
    for position, (number, record) in enumerate(json_records(origin.path)):
        if isinstance(record, Row):
            yield record
        elif record.get("status") != "ARCHIVED":
            yield record_row(number, question_record(record), origin, position=position)


def question_record(record: Record) -> Record:
    """Question, pictures, options and answer of an item as one flat record; metadata may hold the skill."""
    asked, facts = unpacked(record.get("input")), unpacked(record.get("metadata"))
    answer = unpacked(record.get("expectedOutput", record.get("expected_output")))
    if isinstance(answer, Mapping):
        answer = next((answer[key] for key in ANSWER_KEYS if key in answer), None)
    flat = dict(facts) if isinstance(facts, Mapping) else {}
    return {**flat, **asked_record(asked), "index": record.get("id"), "answer": answer}


def unpacked(value: object) -> object:
    """A value; JSON inside a text is read, as in exported tables."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def asked_record(asked: object) -> Record:
    """What the input asks, whichever of its shapes it has."""
    if isinstance(asked, Mapping) and isinstance(asked.get("messages"), list):
        return {**asked, **messages_record(asked["messages"])}
    if isinstance(asked, list):
        return messages_record(asked)
    return asked if isinstance(asked, Mapping) else {"question": asked}


def messages_record(messages: list[object]) -> Record:
    """The user's texts as the question and their pictures."""
    users = [one for one in messages if isinstance(one, Mapping) and one.get("role", "user") == "user"]
    parts = [part for one in users for part in content_parts(one.get("content"))]
    texts = [part.get("text") for part in parts if part.get("type") in ("text", "input_text")]
    images = [part.get("image_url") for part in parts if part.get("type") in ("image_url", "input_image")]
    return {"question": "\n".join(text for text in texts if isinstance(text, str)), "images": images}


def content_parts(content: object) -> list[Mapping[str, object]]:
    """A message's parts; a plain text is one."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [part for part in content if isinstance(part, Mapping)] if isinstance(content, list) else []
