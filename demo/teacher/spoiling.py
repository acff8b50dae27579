"""The eight ways in which a written question can be spoiled. What was spoiled is never said, only logged."""

from collections.abc import Callable
from random import Random

from demo.teacher.questions import AMBIGUOUS, ASIDES, BLIND
from demo.world.scenes import Scene
from demo.world.suites import LETTERS, SUITES, Question, Suite

MALFORMED = "malformed"
NO_LETTER = "E"
Spoil = Callable[[Scene, Question, Random], Question]


def with_options(question: Question, value: str, others: list[str], rng: Random) -> Question:
    """The question as a choice between ``value``, which is the answer, and others."""
    texts = [value, *others[: len(LETTERS) - 1]]
    rng.shuffle(texts)
    options = dict(zip(LETTERS, texts, strict=False))
    asked = question.model_copy(update={"options": options, "answer_type": "choice"})
    return asked.model_copy(update={"answer": asked.say(value)})


def wrong_gold(scene: Scene, question: Question, rng: Random) -> Question:
    """A plausible answer that is false."""
    return question.model_copy(update={"answer": rng.choice(SUITES[question.suite].wrong_answers(scene, question))})


def wrong_letter(scene: Scene, question: Question, rng: Random) -> Question:
    """A choice whose letter belongs to another option, or to none."""
    wrong = SUITES[question.suite].wrong_answers(scene, question)
    asked = question if question.options else with_options(question, question.answer, wrong, rng)
    letters = [letter for letter in (*asked.options, NO_LETTER) if letter != asked.answer]
    return asked.model_copy(update={"answer": rng.choice(letters)})


def ambiguous(scene: Scene, question: Question, rng: Random) -> Question:
    """Words that can mean several things in the picture."""
    text = next(text for text, suite in AMBIGUOUS.items() if suite == question.suite)
    return question.model_copy(update={"question": text})


def answer_leaked(scene: Scene, question: Question, rng: Random) -> Question:
    """The answer stands in the question."""
    return question.model_copy(update={"question": f"{question.question} (It is {question.value}.)"})


def image_blind(scene: Scene, question: Question, rng: Random) -> Question:
    """A question of general knowledge."""
    text, value, others = BLIND[question.answer_type]
    asked = question.model_copy(update={"question": text, "answer": value})
    return with_options(asked, value, list(others), rng) if question.options else asked


def off_skill(scene: Scene, question: Question, rng: Random) -> Question:
    """A sound question about another skill: of another suite that the picture serves, or of none."""
    others = [suite for suite in SUITES.values() if suite.kind == scene.kind and suite.name != question.suite]
    if others:
        return rng.choice(others).ask(scene, rng)
    text, answer = ASIDES[scene.kind]
    plain = {"question": text, "options": {}, "answer": answer(scene), "answer_type": "text"}
    return question.model_copy(update=plain)


def duplicate(scene: Scene, question: Question, rng: Random) -> Question:
    """The one question that is asked of this picture whenever the writer repeats itself."""
    return repeated(scene, SUITES[question.suite])


def repeated(scene: Scene, suite: Suite) -> Question:
    """The same question for the same picture, whoever asks."""
    return suite.ask(scene, Random(f"repeated-{suite.name}"))


# The eighth, malformed output, is done to the reply's text.
SPOILS: dict[str, Spoil] = {
    "wrong_gold": wrong_gold,
    "wrong_letter": wrong_letter,
    "ambiguous": ambiguous,
    "answer_leaked": answer_leaked,
    "image_blind": image_blind,
    "off_skill": off_skill,
    "duplicate": duplicate,
}
KINDS = (*SPOILS, MALFORMED)


def malformed(text: str, rng: Random) -> str:
    """A reply that no reader takes: torn in the middle, or fields by other names."""
    renamed = text.replace('"question"', '"q"').replace('"answer"', '"a"')
    return text[: len(text) // 2] if rng.random() < 0.5 else renamed
