"""The kinds of answers that a question can have."""

from enum import StrEnum


class AnswerType(StrEnum):
    """How a question is answered."""

    CHOICE = "choice"
    YES_NO = "yes_no"
    NUMBER = "number"
    TEXT = "text"
    MATH = "math"
    BOX = "box"
    LIST = "list"
    SET = "set"


LISTS = frozenset({AnswerType.LIST, AnswerType.SET})
# Types whose words alone do not show whether a text is an answer or a sentence about it.
IN_WORDS = LISTS | {AnswerType.TEXT}
