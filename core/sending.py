"""A call on its way from its row to its answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import openai

from core.errors import DpeError, UpstreamRefused
from core.image_edits import EditRequest
from core.models import Endpoint, ModelCall
from core.pace import Caller
from core.provider import CallAnswer, CallRequest

Request = CallRequest | EditRequest
Send = Callable[[openai.AsyncOpenAI], Awaitable[CallAnswer]]


@dataclass
class Sending:
    """Its place in the queue, its row once it is open, and how long the try took that brought the answer."""

    endpoint: Endpoint
    request: Request
    send_it: Send
    caller: Caller
    call: ModelCall | None = None
    latency_ms: int | None = None

    def stored(self) -> CallAnswer | None:
        """The answer that an earlier call brought, if any."""
        if self.call is None or self.call.status != "answered":
            return None
        return CallAnswer(tuple(self.call.choices), self.call.tokens_in, self.call.tokens_out, finish=self.call.finish)

    def answered(self, answer: CallAnswer) -> ModelCall | None:
        """The row of a call that was sent, with its answer; None when the answer was there before."""
        call = self.call
        if call is None or self.latency_ms is None:
            return None
        call.status, call.choices, call.finish = "answered", list(answer.choices), answer.finish
        call.tokens_in, call.tokens_out = answer.tokens_in, answer.tokens_out
        call.cost = answer.cost(self.endpoint)
        call.latency_ms, call.num_refused = self.latency_ms, self.caller.num_refused
        return call

    def unanswered(self, error: DpeError) -> ModelCall | None:
        """The row of a call that ended without an answer; None when it had not come so far as to have one."""
        if call := self.call:
            call.status = "failed" if isinstance(error, UpstreamRefused) else "unknown"
            call.error, call.num_refused = str(error), self.caller.num_refused
        return self.call
