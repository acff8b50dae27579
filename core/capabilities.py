"""What an endpoint can do, as its last test or its own answers have shown, and how that changes what it is asked.

An endpoint that was never tested is asked in the usual way; what its answers show is kept until somebody tests it.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from core.models import Endpoint
from core.roles import PICTURE_ROLES

JsonWay = Literal["json_schema", "json_object", "words"]
LimitWord = Literal["max_tokens", "max_completion_tokens"]


class Capabilities(BaseModel):
    """What is known; None where nothing is. ``n``: how many answers a call gives when it is asked for several;
    ``limit_word``: what the server calls the most tokens of an answer.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    images: bool | None = None
    n: int | None = None
    json_schema: bool | None = None
    json_object: bool | None = None
    limit_word: LimitWord = "max_tokens"

    @property
    def json_way(self) -> JsonWay:
        """How JSON is asked for: by the schema unless the server is known not to keep one."""
        if self.json_schema is not False:
            return "json_schema"
        return "json_object" if self.json_object else "words"

    @property
    def takes_n(self) -> bool:
        """Whether a call may say how many answers it wants; a server that gives one may refuse the word."""
        return self.n is None or self.n > 1


UNTESTED: Final = Capabilities()


def capabilities_of(endpoint: Endpoint) -> Capabilities:
    """What is known of the endpoint; a test that got no answer says nothing."""
    found = endpoint.capabilities or {}
    if found.get("error"):
        return UNTESTED
    try:
        return Capabilities.model_validate(found)
    except ValidationError:
        return UNTESTED


def learn(endpoint: Endpoint, **facts: bool | int | LimitWord) -> None:
    """Put what an endpoint's answers show into the row in memory, beside what is known of it."""
    endpoint.capabilities = {**endpoint.capabilities, **facts}


def learned_store(endpoints: list[Endpoint]) -> list[None]:
    """Keep what was learned of endpoints that are still the same and were never tested; a test knows better."""
    for row in endpoints:
        place = {"base_url": row.base_url, "model": row.model, "key_env": row.key_env, "checked_at": None}
        Endpoint.objects.filter(pk=row.pk, **place).update(capabilities=row.capabilities)
    return [None] * len(endpoints)


def takes_no_pictures(endpoint: Endpoint) -> bool:
    """Whether the endpoint's role looks at pictures and the endpoint is known to refuse them."""
    return endpoint.role in PICTURE_ROLES and capabilities_of(endpoint).images is False
