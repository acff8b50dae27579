"""What a chat completion holds: as much of it as is needed here, whatever else a server sends or leaves out."""

from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

Schema = TypeVar("Schema", bound=BaseModel)


class Spoken(BaseModel):
    """A message; some servers send its content as blocks, or none."""

    content: Any = None


class Choice(BaseModel):
    """One choice."""

    index: int | None = None
    message: Spoken | None = None
    finish_reason: str | None = None


class Usage(BaseModel):
    """Tokens used."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Completion(BaseModel):
    """As much of a chat completion as is needed here; all else may be missing."""

    choices: list[Choice] = Field(min_length=1)
    usage: Usage | None = None


def parse_choice(text: str, schema: type[Schema]) -> Schema | None:
    """One answer as a checked value, or None."""
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        return schema.model_validate_json(bare)
    except ValidationError:
        return None


def finish_of(choices: list[Choice]) -> str:
    """How the choices ended: ``length`` when one was cut off, ``stop`` when each says that it was not, else empty."""
    reasons = [choice.finish_reason for choice in choices]
    if "length" in reasons:
        return "length"
    return "stop" if all(reasons) else ""


def choice_text(choice: Choice) -> str:
    """The text of one choice; empty where there is none, which then fits no schema."""
    content = choice.message.content if choice.message else None
    return clean_text(content) if isinstance(content, str) else ""


def clean_text(text: str) -> str:
    """Text without NUL and half surrogates, which JSON can carry and PostgreSQL cannot store."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
