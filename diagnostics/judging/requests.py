"""What judges are asked: their own words as the system prompt; question, gold and answer fenced as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from core.asking import fenced
from core.domain.files import hash_bytes
from core.domain.seeds import seed_of
from core.provider import CallRequest, ImageRef
from diagnostics.domain.kinds import ERROR_TYPES, IMAGE_TYPES
from diagnostics.judging.schemas import Judgement, Labelling

PROMPTS: Final = Path(__file__).resolve().parents[1] / "prompts"
JUDGE_PROMPT: Final = "judge-v1"
LABELLER_PROMPT: Final = "labeller-v1"


@dataclass(frozen=True)
class Case:
    """One answer to be judged. ``name`` is the item's and the sample's, made of content, never of primary keys."""

    name: str
    images: tuple[ImageRef, ...]
    question: str
    options: Mapping[str, str]
    gold: str
    answer: str
    skill: str = ""


@cache
def system_prompt(version: str) -> str:
    """The words of a prompt's version."""
    return (PROMPTS / f"{version}.txt").read_text()


@cache
def prompt_hash(version: str) -> str:
    """The words of a prompt by content: what is stored with every verdict."""
    return hash_bytes(system_prompt(version))


def judge_request(case: Case, role: str) -> CallRequest:
    """Whether the answer is correct; the same question for every judge."""
    return CallRequest(
        role=role,
        subject=f"judge/{case.name}",
        prompt_version=JUDGE_PROMPT,
        system=system_prompt(JUDGE_PROMPT),
        text=fenced(case_facts(case)),
        schema=Judgement,
        images=case.images,
        seed=seed_of(case.name, role),
        skill=case.skill,
    )


def label_request(case: Case, role: str) -> CallRequest:
    """Of what type the picture is, and why the answer is wrong."""
    words = {"image_types": IMAGE_TYPES, "error_types": ERROR_TYPES}
    return CallRequest(
        role=role,
        subject=f"label/{case.name}",
        prompt_version=LABELLER_PROMPT,
        system=system_prompt(LABELLER_PROMPT),
        text=fenced({**case_facts(case), **words}),
        schema=Labelling,
        images=case.images,
        seed=seed_of(case.name, role),
        skill=case.skill,
    )


def case_facts(case: Case) -> dict[str, Any]:
    """What a judge knows besides the picture."""
    facts: dict[str, Any] = {"question": case.question, "options": dict(case.options)}
    return {**facts, "gold_answer": case.gold, "model_answer": case.answer}
