"""How models are asked and answer, whoever asks: the role's own words as the system prompt, everything else as data.

Facts and texts go as one JSON object between two marks on lines of their own. JSON writes a line's end as ``\\n``, so
that no text inside can close the fence and speak as the system.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.completion import clean_text
from core.provider import CallRequest

MAX_TEXT = 4000
SHOWN_REPLY: Final = 2000
REPAIR: Final = "/repair"
OTHER_LINE_ENDS: Final = "\x85\u2028\u2029"  # JSON leaves these as they are
Text = Annotated[str, AfterValidator(lambda text: clean_text(text).strip()), Field(max_length=MAX_TEXT)]


class Reply(BaseModel):
    """A model's answer: what it adds to the fields is passed over, though the schema asks for none."""

    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_extra={"additionalProperties": False})


def fenced(facts: Mapping[str, Any]) -> str:
    """Facts as one JSON object between the marks that the system prompts name."""
    text = json.dumps(facts, ensure_ascii=False, indent=1)
    for mark in OTHER_LINE_ENDS:
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return f"<<<\n{text}\n>>>"


def repair_request(request: CallRequest, reply: str, fault: str = "did not fit the JSON schema") -> CallRequest:
    """The same question once more, with the reply that did not fit."""
    facts = {"your_last_reply": reply[:SHOWN_REPLY]}
    text = f"{request.text}\nYour last reply {fault}. Reply with JSON only.\n{fenced(facts)}"
    return replace(request, subject=f"{request.subject}{REPAIR}", text=text)
