"""How the teacher plays each role, and the eight ways in which it spoils a sample."""

import json
from dataclasses import dataclass
from random import Random
from typing import Any

from demo.teacher.reading import Asked
from demo.world.scenes import Scene
from demo.world.suites import SUITES, Question, Suite, understand

SOLVER_ERROR = 0.05
CAUGHT = 0.6
SKILLS: dict[str, Suite] = {suite.skill: suite for suite in SUITES.values()}
SPOILS = (
    "wrong_gold",
    "wrong_letter",
    "ambiguous",
    "answer_leaked",
    "image_blind",
    "off_skill",
    "duplicate",
    "malformed",
)


@dataclass(frozen=True)
class Said:
    """One choice of a reply, and what is wrong with it."""

    text: str
    spoiled: str = ""


def say(asked: Asked, error_rate: float) -> list[Said]:
    """The reply's choices; ValueError for a role that the teacher does not play."""
    if asked.role == "Plan":
        return [said(plan(asked))]
    if asked.role == "WrittenQuestion":
        return [write(asked, error_rate)]
    if asked.role == "Validation":
        return [said(validate(asked))]
    if asked.role == "Solve":
        return [said({"answer": solve(asked, draw)}) for draw in range(asked.num_choices)]
    raise ValueError(f"no role answers with the schema {asked.role!r}")


def said(value: dict[str, Any]) -> Said:
    """A clean choice."""
    return Said(json.dumps(value))


def plan(asked: Asked) -> dict[str, Any]:
    """A plan for a question of the asked skill."""
    skill = asked.field("skill")
    suite = SKILLS.get(skill)
    return {
        "question_type": suite.answer_type if suite else "text",
        "plan": f"Ask one question that tests {skill} and can be checked against the picture.",
        "queries": [f"{asked.field('image type')} {skill}", f"simple {skill} picture"],
        "edit_goal": "none",
    }


def write(asked: Asked, error_rate: float) -> Said:
    """A question about the picture, spoiled at the error rate."""
    rng = asked.random("write")
    suite = SKILLS.get(asked.field("skill"))
    if asked.scene is None or suite is None or suite.kind != asked.scene.kind:
        return Said(written("What is shown here?", {}, "a picture", "text"), "off_skill")
    question = suite.ask(asked.scene, rng)
    if rng.random() >= error_rate:
        return Said(written(question.question, question.options, question.answer, question.answer_type))
    return spoil(asked.scene, question, rng)


def written(question: str, options: dict[str, str], answer: str, answer_type: str) -> str:
    """A written question as JSON."""
    listed = [{"letter": letter, "text": text} for letter, text in options.items()]
    return json.dumps({"question": question, "options": listed, "answer": answer, "answer_type": answer_type})


def spoil(scene: Scene, question: Question, rng: Random) -> Said:
    """The question with one fault."""
    kind = rng.choice(SPOILS)
    text, options, answer, answer_type = question.question, question.options, question.answer, question.answer_type
    if kind in ("wrong_gold", "wrong_letter"):
        answer = rng.choice(SUITES[question.suite].wrong_answers(scene, question))
    elif kind == "ambiguous":
        text = "What about it?"
    elif kind == "answer_leaked":
        text = f"{text} (It is {question.value}.)"
    elif kind == "image_blind":
        text, options, answer, answer_type = "What is two plus two?", {}, "4", "number"
    elif kind == "off_skill":
        text, options, answer, answer_type = "Is this a picture?", {}, "yes", "text"
    elif kind == "duplicate":
        text, options, answer, answer_type = "What do you see?", {}, "a drawing", "text"
    else:
        return Said('{"question": "' + text, kind)
    return Said(written(text, options, answer, answer_type), kind)


def validate(asked: Asked) -> dict[str, Any]:
    """Whether the proposed answer is right; the share CAUGHT of the faulty ones is seen."""
    gold = gold_of(asked)
    if gold is not None and gold.answer == asked.field("answer"):
        return {"valid": True, "reason": ""}
    if asked.random("validate").random() >= CAUGHT:
        return {"valid": True, "reason": ""}
    if gold is None:
        return {"valid": False, "reason": "The question cannot be answered from this picture."}
    return {"valid": False, "reason": "The proposed answer does not agree with the picture."}


def solve(asked: Asked, draw: int) -> str:
    """The solver's answer: right but for SOLVER_ERROR of the draws above temperature 0; a guess when it cannot tell."""
    rng = asked.random(f"solve-{draw}")
    gold = gold_of(asked)
    if gold is None or asked.scene is None:
        return rng.choice(list(asked.options) or ["1", "2", "3", "red", "blue"])
    if asked.temperature > 0 and rng.random() < SOLVER_ERROR:
        return rng.choice(SUITES[gold.suite].wrong_answers(asked.scene, gold))
    return gold.answer


def gold_of(asked: Asked) -> Question | None:
    """The question that the request's text asks about its picture, with its true answer."""
    if asked.scene is None:
        return None
    return understand(asked.scene, asked.field("question"), asked.options or None)
