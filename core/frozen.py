"""Values that cross the GPU border, and which of their fields name a run."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value that is checked once and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# How a field counts in a run's name: NAMELESS never; LATER not at its default, so that older runs keep theirs.
NAMELESS, LATER = "nameless", "later"


def identity(value: Frozen) -> dict[str, Any]:
    """What makes a run another run, as JSON values."""
    facts = value.model_dump(mode="json")
    for name, field in type(value).model_fields.items():
        part = getattr(value, name)
        if NAMELESS in field.metadata or (LATER in field.metadata and part == field.default):
            del facts[name]
        elif isinstance(part, Frozen):
            facts[name] = identity(part)
    return facts
