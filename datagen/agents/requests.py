"""Building what agents are asked: the role's own words as the system prompt, everything else fenced as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from core.asking import fenced
from core.domain.seeds import seed_of
from core.image_edits import EditRequest
from core.provider import CallRequest, ImageRef
from datagen.agents.schemas import Analysis, Plan, Search, Selection, Solve, Validation, WrittenQuestion
from datagen.domain.images import freedom_of, steps_allowed
from datagen.drafts import Draft
from diagnostics.judging.requests import PROMPTS as JUDGE_PROMPTS

PROMPTS: Final = Path(__file__).resolve().parents[1] / "prompts"
VERSIONS: Final[Mapping[str, str]] = {
    "planner": "planner-v1",
    "searcher": "searcher-v1",
    "selector": "selector-v1",
    "analyst": "analyst-v1",
    "editor": "editor-v1",
    "question_writer": "question_writer-v2",
    "validator": "validator-v1",
    "blind_solver": "blind_solver-v1",
}
TEMPERATURES: Final[Mapping[str, float]] = {
    "planner": 0.7,
    "searcher": 0.7,
    "selector": 0.0,
    "analyst": 0.0,
    "question_writer": 0.7,
    "validator": 0.0,
    "blind_solver": 1.0,
}
NUM_SOLVES: Final = 3
NUM_EDITS: Final = 3


@dataclass(frozen=True)
class Task:
    """One try at one slot. ``subject`` and ``seed`` are made of content, never of primary keys; ``scope`` says whose
    money its calls are, and decides nothing.
    """

    subject: str
    seed: int
    skill: str
    image_type: str
    question_type: str
    brief: str
    image: ImageRef | None = None
    scope: str = ""


@dataclass(frozen=True)
class Candidate:
    """A picture that a slot may use: as the pool has it, or edited from another one by this instruction."""

    image: ImageRef
    caption: str = ""
    edited_from: str = ""
    instruction: str = ""


@cache
def system_prompt(version: str) -> str:
    """The words of a prompt's version."""
    return (PROMPTS / f"{version}.txt").read_text()


def prompt_on_file(version: str) -> str:
    """The words of any version that there ever was; empty for what has none, such as a tool."""
    known = {path.stem: path for folder in (PROMPTS, JUDGE_PROMPTS) for path in folder.glob("*.txt")}
    return known[version].read_text() if version in known else ""


def request_of(
    task: Task, role: str, schema: type[BaseModel], facts: Mapping[str, Any], *, about: str = ""
) -> CallRequest:
    """A role's question about a task, with its picture where it has one, seeded by what it is for.

    ``about`` tells apart what a role is asked in one try.
    """
    return CallRequest(
        role=role,
        subject=task.subject,
        prompt_version=VERSIONS[role],
        system=system_prompt(VERSIONS[role]),
        text=fenced(facts),
        schema=schema,
        images=(task.image,) if task.image else (),
        temperature=TEMPERATURES[role],
        seed=seed_of(task.seed, role, about) if about else seed_of(task.seed, role),
        scope=task.scope,
        skill=task.skill,
    )


def planner_request(task: Task) -> CallRequest:
    """What to ask for this skill; the planner sees no picture."""
    return request_of(replace(task, image=None), "planner", Plan, task_facts(task))


def searcher_request(task: Task, plan: Plan) -> CallRequest:
    """Which pictures to look for."""
    facts = {**task_facts(task), "plan": plan.plan, "queries": plan.queries}
    return request_of(replace(task, image=None), "searcher", Search, facts)


def selector_request(task: Task, plan: Plan, candidates: Sequence[Candidate]) -> CallRequest:
    """How well each candidate serves the plan."""
    request = request_of(task, "selector", Selection, choice_facts(task, plan, candidates), about=edits_of(candidates))
    return replace(request, images=tuple(one.image for one in candidates))


def analyst_request(task: Task, plan: Plan, candidates: Sequence[Candidate]) -> CallRequest:
    """Which candidate an edit would make usable, and which edit."""
    freedom = freedom_of(task.image_type)
    limits = {"edit_goal": plan.edit_goal, "freedom": freedom.value, "operations": steps_allowed(freedom)}
    request = request_of(task, "analyst", Analysis, {**choice_facts(task, plan, candidates), **limits})
    return replace(request, images=tuple(one.image for one in candidates))


def edit_request(task: Task, source: Candidate, instruction: str) -> EditRequest:
    """The edit for an endpoint, in the editor's own words and the analyst's."""
    facts = fenced({"freedom": freedom_of(task.image_type).value, "instruction": instruction})
    text = f"{system_prompt(VERSIONS['editor']).strip()}\n{facts}"
    return EditRequest(task.subject, VERSIONS["editor"], source.image, text, NUM_EDITS, task.scope, task.skill)


def writer_request(task: Task, plan: Plan, earlier: Sequence[Mapping[str, Any]] = ()) -> CallRequest:
    """The question itself, about the task's picture; ``earlier`` attempts come with what was said against them."""
    facts = {**task_facts(task), "plan": plan.plan}
    if not earlier:
        return request_of(task, "question_writer", WrittenQuestion, facts)
    facts = {**facts, "earlier_attempts": earlier}
    return request_of(task, "question_writer", WrittenQuestion, facts, about=f"attempt {len(earlier) + 1}")


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


def task_facts(task: Task) -> dict[str, Any]:
    """What planner and writer know of the slot."""
    return {
        "skill": task.skill,
        "image_type": task.image_type,
        "question_type": task.question_type,
        "brief": task.brief,
    }


def choice_facts(task: Task, plan: Plan, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """What those know who look at candidates: the plan, and each picture's words in the order of the pictures."""
    told = [
        {"candidate": number, "caption": one.caption, **({"edit": one.instruction} if one.instruction else {})}
        for number, one in enumerate(candidates, start=1)
    ]
    facts = {"skill": task.skill, "image_type": task.image_type, "question_type": task.question_type}
    return {**facts, "plan": plan.plan, "candidates": told}


def edits_of(candidates: Sequence[Candidate]) -> str:
    """What sets a second look apart from the first: it is at edited pictures."""
    return "edits" if any(one.edited_from for one in candidates) else ""


def draft_facts(draft: Draft) -> dict[str, Any]:
    """The question as a solver sees it."""
    return {"question_type": draft.answer_type.value, "question": draft.question, "options": draft.options}
