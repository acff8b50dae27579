"""How the teacher plays each role."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from demo.teacher.judging import judge, label
from demo.teacher.looking import analyse, search, select
from demo.teacher.probe import PROBE
from demo.teacher.questions import SKILLS, Reading, read_question
from demo.teacher.reading import Asked
from demo.teacher.spoiling import KINDS, MALFORMED, SPOILS, malformed
from demo.world.scenes import Scene
from demo.world.suites import SUITES, Question, Suite

SOLVER_ERROR = 0.05
CAUGHT = 0.6
GUESSES = ("1", "2", "3", "red", "blue")
REASONS = {
    "unseen": "answer_not_in_image: The picture does not show what the question asks about.",
    "wrong_answer": "wrong_answer: The proposed answer does not agree with the picture.",
    "no_such_option": "wrong_answer: The proposed answer is none of the options.",
    "off_skill": "off_skill: The question does not test the skill that was asked for.",
    "ambiguous": "ambiguous: The question can be understood in more than one way.",
    "answer_leaked": "answer_leaked: The question gives its answer away.",
    "image_blind": "other: The question can be answered without the picture.",
}


@dataclass(frozen=True)
class Said:
    """One choice of a reply; ``fault`` is what was spoiled in it, for the log alone."""

    text: str
    fault: str = ""


Play = Callable[[Asked, float, int], Said]


def play(asked: Asked, error_rate: float) -> list[Said]:
    """The reply's choices; ValueError for a schema that no role answers with. Equal requests get equal replies."""
    player = PLAYERS.get(asked.role)
    if player is None:
        raise ValueError(f"no role answers with the schema {asked.role!r}; known are {', '.join(PLAYERS)}")
    return [player(asked, error_rate, draw) for draw in range(asked.num_choices)]


def plan(asked: Asked, error_rate: float, draw: int) -> Said:
    """What to ask for a skill: of the prescribed question type, else of the skill's own."""
    skill = asked.fact("skill")
    suite = SKILLS.get(skill)
    looks = asked.fact("image_type") or (suite.image_type if suite else "any")
    words = skill.replace(".", " ")
    value = {
        "question_type": asked.fact("question_type") or (suite.answer_type if suite else "text"),
        "plan": f"Ask one question that tests {skill} and that only the picture can answer.",
        "queries": [f"{looks} {words}", f"simple picture of {words}"],
        "edit_goal": f"Leave the picture as it is; it must show what {words} needs.",
    }
    return Said(json.dumps(value))


def write(asked: Asked, error_rate: float, draw: int) -> Said:
    """A question about the picture in the asked skill, spoiled at the error rate."""
    rng = asked.random(f"write-{draw}")
    scene, suite = asked.scene, SKILLS.get(asked.fact("skill"))
    if scene is None:
        raise ValueError("a question writer needs a picture of the mini world")
    if suite is None or suite.kind != scene.kind:
        return Said(written(best_effort(scene, suite, rng)), "cannot_serve")
    question = suite.ask(scene, rng)
    fault = rng.choice(KINDS) if rng.random() < error_rate else ""
    if fault == MALFORMED:
        return Said(malformed(written(question), rng), fault)
    return Said(written(SPOILS[fault](scene, question, rng) if fault else question), fault)


def best_effort(scene: Scene, suite: Suite | None, rng: Random) -> Question:
    """The asked skill's question of a picture that cannot answer it; of an unknown skill, what the picture can."""
    if suite is None:
        return next(known for known in SUITES.values() if known.kind == scene.kind).ask(scene, rng)
    answer = suite.domain[0] if suite.domain else "0"
    text = suite.wordings[0].format("red")
    question = Question(suite=suite.name, question=text, options={}, answer=answer, answer_type=suite.answer_type)
    if suite.answer_type != "choice":
        return question
    return question.model_copy(update={"options": dict(zip("ABCD", suite.domain, strict=False)), "answer": "A"})


def written(question: Question) -> str:
    """A question as the writer's JSON."""
    value = {
        "question": question.question,
        "options": [{"letter": letter, "text": text} for letter, text in question.options.items()],
        "answer": question.answer,
        "answer_type": question.answer_type,
    }
    return json.dumps(value)


def validate(asked: Asked, error_rate: float, draw: int) -> Said:
    """Sound samples pass. Of the faulty ones CAUGHT are seen, and all that the picture has nothing to do with."""
    reading = read_question(asked.scene, asked.fact("question"))
    fault = fault_of(asked, reading)
    is_seen = fault == "unseen" or asked.random(f"validate-{draw}").random() < CAUGHT
    value: dict[str, Any] = {"valid": not (fault and is_seen), "reason": REASONS[fault] if fault and is_seen else ""}
    return Said(json.dumps(value))


def fault_of(asked: Asked, reading: Reading | None) -> str:
    """What is wrong with the proposed sample, by the picture's scene; empty when nothing is."""
    skill = asked.fact("skill")
    if reading is None or (skill and skill not in SKILLS):
        return "unseen"
    proposed = asked.fact("proposed_answer", "answer")
    if asked.options and proposed not in asked.options:
        return "no_such_option"
    if not reading.fault and skill and reading.skill != skill:
        return "off_skill"
    value = asked.options.get(proposed, proposed)
    return reading.fault or ("" if value.casefold() == reading.answers[0].casefold() else "wrong_answer")


def solve(asked: Asked, error_rate: float, draw: int) -> Said:
    """An answer: right but for SOLVER_ERROR of the draws at temperature 1.

    A picture that does not show what is asked for gets none; without a picture it is a guess.
    """
    rng = asked.random(f"solve-{draw if asked.temperature else 0}")
    question = asked.fact("question")
    reading = read_question(asked.scene, question)
    if reading is None:
        return answered("" if asked.scene else rng.choice(list(asked.options) or GUESSES))
    value = rng.choice(reading.answers)
    if rng.random() < SOLVER_ERROR * min(1.0, asked.temperature):
        value = slip(asked, value, rng)
    letters = [letter for letter, text in asked.options.items() if text.casefold() == value.casefold()]
    return answered(letters[0] if letters else rng.choice(list(asked.options) or [value]))


def slip(asked: Asked, value: str, rng: Random) -> str:
    """Another answer than ``value``: another option, a number beside it, or other words."""
    if asked.options:
        return rng.choice([text for text in asked.options.values() if text != value] or [value])
    if value.isdigit():
        return str(int(value) + rng.choice((1, 2, 10)))
    domains = [suite.domain for suite in SUITES.values() if value in suite.domain]
    return rng.choice([text for text in domains[0] if text != value]) if domains else value[::-1]


def answered(answer: str) -> Said:
    """The solver's JSON."""
    return Said(json.dumps({"answer": answer}))


def look(asked: Asked, error_rate: float, draw: int) -> Said:
    """What the endpoint test asks for: the colour of its picture."""
    return Said(json.dumps({"colour": asked.colour}))


def looks(player: Callable[[Asked], dict[str, Any]]) -> Play:
    """One who deals with pictures, as a player whose reply is never spoiled."""
    return lambda asked, error_rate, draw: Said(json.dumps(player(asked)))


PLAYERS: dict[str, Play] = {
    PROBE: look,
    "Plan": plan,
    "Search": looks(search),
    "Selection": looks(select),
    "Analysis": looks(analyse),
    "WrittenQuestion": write,
    "Validation": validate,
    "Solve": solve,
    "Judgement": looks(judge),
    "Labelling": looks(label),
}
