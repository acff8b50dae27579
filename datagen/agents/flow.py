"""One try from plan to validated question. What goes wrong with the question is a value; what goes wrong with an
endpoint is an error that ends the job's attempt."""

from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from core.ledger import Ledger
from core.provider import CallRefused, CallRequest
from datagen.agents.requests import (
    Task,
    planner_request,
    repair_request,
    solver_request,
    solver_singles,
    validator_request,
    writer_request,
)
from datagen.agents.schemas import Plan, Solve, Validation, WrittenQuestion
from datagen.domain.quality import Rejected, RejectReason
from datagen.drafts import Draft, Refusal, draft_of, refusal_of

Schema = TypeVar("Schema", bound=BaseModel)
WRITING_ROLES = ("planner", "question_writer", "validator")


@dataclass(frozen=True)
class Attempt:
    """What became of one try: its plan, its question where there is one, and why it is refused, if it is."""

    plan: str = ""
    draft: Draft | None = None
    refusal: Refusal | None = None


async def question_write(ledger: Ledger, task: Task) -> Attempt:
    """Planner, question writer, typed check, validator; each answer is stored before the next call."""
    plan = await ask_one(ledger, planner_request(task), Plan)
    if isinstance(plan, Refusal):
        return Attempt(refusal=plan)
    written = await ask_one(ledger, writer_request(task, plan), WrittenQuestion)
    if isinstance(written, Refusal):
        return Attempt(plan.plan, refusal=written)
    draft = draft_of(written, task.question_type)
    if isinstance(draft, Refusal):
        return Attempt(plan.plan, refusal=draft)
    validation = await ask_one(ledger, validator_request(task, draft), Validation)
    refusal = validation if isinstance(validation, Refusal) else refusal_of(validation)
    return Attempt(plan.plan, draft, refusal)


async def ask_one(ledger: Ledger, request: CallRequest, schema: type[Schema]) -> Schema | Refusal:
    """The agent's answer as a checked value; asked once more when it does not fit, then refused as malformed."""
    try:
        reply = await ledger.ask(request)
        value = reply.parsed(schema)[0]
        if value is None:
            reply = await ledger.ask(repair_request(request, reply.choices[0]))
            value = reply.parsed(schema)[0]
    except CallRefused as error:
        return endpoint_refusal(ledger, request.role, error)
    return value or Refusal(Rejected(RejectReason.MALFORMED), f"{request.role} did not keep to the schema")


@dataclass
class Solvers:
    """Blind solvers behind one endpoint. ``gives_several`` turns False at the first reply with too few choices."""

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
            return [(await self._answers(single))[0] for single in solver_singles(request)]
        except CallRefused as error:
            return endpoint_refusal(self.ledger, request.role, error)

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
