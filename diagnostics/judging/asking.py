"""Asking one judge: checked by schema and quote, repaired once, else a named fault of ours."""

from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from pydantic import BaseModel

from core.asking import repair_request
from core.ledger import Ledger
from core.provider import CallRefused, CallRequest
from diagnostics.domain.panel import quote_stands


class Quoting(Protocol):
    """An answer of a judge that quotes what it judges."""

    @property
    def quote(self) -> str:
        """A passage of the model's answer."""


Word = TypeVar("Word", bound=Quoting)
UNFIT = "did not fit the JSON schema"
UNQUOTED = "quotes evidence that does not stand in the model's answer"
NAMES = {UNFIT: "judge_malformed", UNQUOTED: "evidence_not_in_answer"}


@dataclass(frozen=True)
class Fault:
    """Why a judge has no word on an answer; ours, never the model's."""

    name: str


async def word_ask(ledger: Ledger, request: CallRequest, answer: str, schema: type[Word]) -> Word | Fault:
    """The judge's word with a quote that stands in ``answer``; one repair, then a fault."""
    fault = UNFIT
    asked = request
    try:
        for _ in range(2):
            reply = await ledger.ask(asked)
            word = cast("Word | None", reply.parsed(cast("type[BaseModel]", schema))[0])
            if word is not None and quote_stands(word.quote, answer):
                return word
            fault = UNFIT if word is None else UNQUOTED
            asked = repair_request(request, reply.choices[0], fault)
    except CallRefused:
        return Fault("judge_refused")
    return Fault(NAMES[fault])
