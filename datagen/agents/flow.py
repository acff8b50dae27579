"""One try from plan to validated question, but for its picture (``choosing``). What goes wrong with the question is a
value; what goes wrong with an endpoint is an error that ends the job's attempt.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from core.asking import repair_request
from core.ledger import Ledger
from core.provider import CallRefused, CallRequest
from datagen.agents.requests import (
    Task,
    planner_request,
    searcher_request,
    solver_request,
    solver_singles,
    validator_request,
    writer_request,
)
from datagen.agents.schemas import Plan, Search, Solve, Validation, WrittenQuestion
from datagen.domain.quality import Rejected, RejectReason
from datagen.drafts import Draft, Refusal, draft_of, refusal_of

Schema = TypeVar("Schema", bound=BaseModel)
WRITING_ROLES = ("planner", "question_writer", "validator")
LOOKING_ROLES = ("searcher", "selector", "analyst")  # each adds a step where somebody plays it
# What another attempt at the same picture may mend; the rest is the picture's, the endpoint's or the schema's fault.
MENDABLE = frozenset(
    {
        RejectReason.BAD_ANSWER,
        RejectReason.OFF_SKILL,
        RejectReason.AMBIGUOUS,
        RejectReason.ANSWER_LEAKED,
        RejectReason.ANSWER_NOT_IN_IMAGE,
        RejectReason.REFUSED_BY_VALIDATOR,
    }
)


@dataclass(frozen=True)
class Attempt:
    """What became of one attempt: its question where there is one, the validator's word, why it is refused if it is."""

    draft: Draft | None = None
    refusal: Refusal | None = None
    validator: str = ""
    written: Mapping[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        """The attempt as evidence."""
        refused = {"reason": self.refusal.outcome.reason.value, "detail": self.refusal.detail} if self.refusal else {}
        return {**self.written, "validator": self.validator, **refused}


async def search_plan(ledger: Ledger, task: Task) -> tuple[Plan, list[str]] | Refusal:
    """What to ask, and the words to search pictures with: the searcher's, or the planner's where nobody searches."""
    plan = await ask_one(ledger, planner_request(task), Plan)
    if isinstance(plan, Refusal):
        return plan
    if not ledger.has("searcher"):
        return plan, plan.queries
    search = await ask_one(ledger, searcher_request(task, plan), Search)
    return search if isinstance(search, Refusal) else (plan, search.queries)


async def question_write(ledger: Ledger, task: Task, plan: Plan, max_attempts: int) -> list[Attempt]:
    """Attempts until one is not refused, or cannot be mended; each is told what was wrong with those before."""
    attempts: list[Attempt] = []
    while True:
        attempts.append(await question_attempt(ledger, task, plan, [attempt.facts for attempt in attempts]))
        refusal = attempts[-1].refusal
        if refusal is None or refusal.outcome.reason not in MENDABLE or len(attempts) == max_attempts:
            return attempts


async def question_attempt(ledger: Ledger, task: Task, plan: Plan, earlier: Sequence[Mapping[str, Any]]) -> Attempt:
    """Question writer, typed check, validator; each answer is stored before the next call."""
    written = await ask_one(ledger, writer_request(task, plan, earlier), WrittenQuestion)
    if isinstance(written, Refusal):
        return Attempt(refusal=written)
    said = {"question": written.question, "answer": written.answer}
    draft = draft_of(written, task.question_type)
    if isinstance(draft, Refusal):
        return Attempt(refusal=draft, written=said)
    validation = await ask_one(ledger, validator_request(task, draft), Validation)
    if isinstance(validation, Refusal):
        return Attempt(draft, validation, written=said)
    word = "valid" if validation.valid else validation.reason
    return Attempt(draft, refusal_of(validation), word, said)


async def ask_one(
    ledger: Ledger, request: CallRequest, schema: type[Schema], fits: Callable[[Schema], bool] = lambda value: True
) -> Schema | Refusal:
    """The agent's answer as a checked value; asked once more when it does not fit, then refused as malformed."""
    question = request
    try:
        for _ in range(2):
            reply = await ledger.ask(question)
            value = reply.parsed(schema)[0]
            if value is not None and fits(value):
                return value
            question = repair_request(request, reply.choices[0])
    except CallRefused as error:
        return endpoint_refusal(ledger, request.role, error)
    return Refusal(Rejected(RejectReason.MALFORMED), f"{request.role} did not keep to the schema")


@dataclass
class Solvers:
    """Blind solvers behind one endpoint. ``gives_several`` turns False at the first reply with too few choices, or
    where one by one works and several at once is refused.
    """

    ledger: Ledger
    gives_several: bool = True

    async def solve(self, task: Task, draft: Draft) -> list[str | None] | Refusal:
        """Answers of solvers who do not know the writer's; None for an empty or malformed one.

        A server that gives fewer choices than asked for, or refuses to give several, is asked for each solve by
        itself: the same solves, whether this sample found that out or an earlier one.
        """
        request = solver_request(task, draft)
        if self.gives_several:
            solves = await self._several(request)
            if len(solves) == request.num_choices:
                return solves
        try:
            singles = [(await self._answers(single))[0] for single in solver_singles(request)]
        except CallRefused as error:
            return endpoint_refusal(self.ledger, request.role, error)
        self.gives_several = False
        return singles

    async def _several(self, request: CallRequest) -> list[str | None]:
        try:
            solves = await self._answers(request)
        except CallRefused:
            return []
        self.gives_several = len(solves) >= request.num_choices
        return solves[: request.num_choices]

    async def _answers(self, request: CallRequest) -> list[str | None]:
        parsed = (await self.ledger.ask(request)).parsed(Solve)
        return [solve.answer or None if solve else None for solve in parsed]


def endpoint_refusal(ledger: Ledger, role: str, error: CallRefused) -> Refusal:
    """A refusal of this question alone; an endpoint that has answered nothing yet is wrongly set up: that raises.

    What the endpoint said stays in the ledger: it may name places, and details go into the next try's brief.
    """
    if not ledger.answered[role]:
        raise error
    return Refusal(Rejected(RejectReason.ENDPOINT_REFUSED))
