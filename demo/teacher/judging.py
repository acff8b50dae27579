"""How the teacher judges answers and labels wrong ones: by the gold answer and by what the scene is."""

from typing import Any

from core.domain.answers import AnswerType, grade
from core.domain.numbers import read_number
from demo.teacher.reading import Asked
from demo.world.suites import IMAGE_TYPES

QUOTED = 120
ERRORS = {"sum": "calculation", "pair": "reasoning"}


def judge(asked: Asked) -> dict[str, Any]:
    """The verdict with the answer's end as evidence."""
    gold, answer = asked.fact("gold_answer"), asked.fact("model_answer")
    is_correct = grade(answer, gold, type_of(asked, gold), asked.options or None).lenient.is_correct
    return {"verdict": "correct" if is_correct else "incorrect", "evidence": answer[-QUOTED:], "confidence": 0.9}


def label(asked: Asked) -> dict[str, Any]:
    """The types of picture and error by the scene's kind."""
    kind = asked.scene.kind if asked.scene else ""
    shown = {"image_type": IMAGE_TYPES.get(kind, "mixed"), "image_evidence": f"it shows a scene of the kind {kind}"}
    error = {"error_type": ERRORS.get(kind, "visual_recognition")}
    return {**shown, **error, "error_evidence": asked.fact("model_answer")[-QUOTED:]}


def type_of(asked: Asked, gold: str) -> AnswerType:
    """How the gold answer is to be read."""
    if asked.options:
        return AnswerType.CHOICE
    return AnswerType.TEXT if read_number(gold) is None else AnswerType.NUMBER
