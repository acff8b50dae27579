"""Building what agents are asked: the role's own words as the system prompt, everything else fenced as data.

Facts and texts go as one JSON object between two marks on lines of their own. JSON writes a line's end as ``\\n``, so
that no text inside can close the fence and speak as the system.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from core.domain.seeds import seed_of
from core.provider import CallRequest, ImageRef
from datagen.agents.schemas import Plan, Solve, Validation, WrittenQuestion
from datagen.drafts import Draft

PROMPTS: Final = Path(__file__).resolve().parents[1] / "prompts"
VERSIONS: Final[Mapping[str, str]] = {
    "planner": "planner-v1",
    "question_writer": "question_writer-v1",
    "validator": "validator-v1",
    "blind_solver": "blind_solver-v1",
}
TEMPERATURES: Final[Mapping[str, float]] = {
    "planner": 0.7,
    "question_writer": 0.7,
    "validator": 0.0,
    "blind_solver": 1.0,
}
NUM_SOLVES: Final = 3
SHOWN_REPLY: Final = 2000
OTHER_LINE_ENDS: Final = "\x85\u2028\u2029"  # JSON leaves these as they are


@dataclass(frozen=True)
class Task:
    """One try at one slot. ``subject`` and ``seed`` are made of content, never of primary keys."""

    subject: str
    seed: int
    skill: str
    image_type: str
    question_type: str
    brief: str
    image: ImageRef


@cache
def system_prompt(version: str) -> str:
    """The words of a prompt's version."""
    return (PROMPTS / f"{version}.txt").read_text()


def fenced(facts: Mapping[str, Any]) -> str:
    """Facts as one JSON object between the marks that the system prompts name."""
    text = json.dumps(facts, ensure_ascii=False, indent=1)
    for mark in OTHER_LINE_ENDS:
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return f"<<<\n{text}\n>>>"


def request_of(
    task: Task, role: str, schema: type[BaseModel], facts: Mapping[str, Any], *, sees_image: bool = True
) -> CallRequest:
    """A role's question about a task, seeded by what it is for."""
    return CallRequest(
        role=role,
        subject=task.subject,
        prompt_version=VERSIONS[role],
        system=system_prompt(VERSIONS[role]),
        text=fenced(facts),
        schema=schema,
        images=(task.image,) if sees_image else (),
        temperature=TEMPERATURES[role],
        seed=seed_of(task.seed, role),
    )


def planner_request(task: Task) -> CallRequest:
    """What to ask for this skill; the planner sees no picture."""
    return request_of(task, "planner", Plan, task_facts(task), sees_image=False)


def writer_request(task: Task, plan: Plan) -> CallRequest:
    """The question itself, about the task's picture."""
    return request_of(task, "question_writer", WrittenQuestion, {**task_facts(task), "plan": plan.plan})


def validator_request(task: Task, draft: Draft) -> CallRequest:
    """Whether the question may be used with this answer."""
    facts = {"skill": task.skill, **draft_facts(draft), "proposed_answer": draft.answer}
    return request_of(task, "validator", Validation, facts)


def solver_request(task: Task, draft: Draft) -> CallRequest:
    """The question without its answer, to be solved ``NUM_SOLVES`` times."""
    return replace(request_of(task, "blind_solver", Solve, draft_facts(draft)), num_choices=NUM_SOLVES)


def solver_singles(request: CallRequest) -> list[CallRequest]:
    """The same solves one by one, for a server that gives fewer choices than it is asked for."""
    return [replace(request, num_choices=1, seed=number) for number in range(1, request.num_choices + 1)]


def repair_request(request: CallRequest, reply: str) -> CallRequest:
    """The same question once more, with the reply that did not fit."""
    facts = {"your_last_reply": reply[:SHOWN_REPLY]}
    text = f"{request.text}\nYour last reply did not fit the JSON schema. Reply with JSON only.\n{fenced(facts)}"
    return replace(request, subject=f"{request.subject}/repair", text=text)


def task_facts(task: Task) -> dict[str, Any]:
    """What planner and writer know of the slot."""
    return {
        "skill": task.skill,
        "image_type": task.image_type,
        "question_type": task.question_type,
        "brief": task.brief,
    }


def draft_facts(draft: Draft) -> dict[str, Any]:
    """The question as a solver sees it."""
    return {"question_type": draft.answer_type.value, "question": draft.question, "options": draft.options}
