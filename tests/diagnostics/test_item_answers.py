"""Every type of answer can stand in a benchmark file, and whatever is wrong with a gold answer has its words."""

import pytest

from core.domain.answers import AnswerType, check_answer
from diagnostics.item_text import ANSWER_TYPES, FAULTS

BAD = [
    ("B", AnswerType.YES_NO),
    ("many", AnswerType.NUMBER),
    ("\\frac{1}{2", AnswerType.MATH),
    ("x+" * 300, AnswerType.MATH),
    ("(" * 30, AnswerType.MATH),
    ("[1, 2, 3]", AnswerType.BOX),
    ("red, , blue", AnswerType.LIST),
    ("1; ; 2", AnswerType.SET),
    ("", AnswerType.MATH),
]


@pytest.mark.parametrize("kind", list(AnswerType))
def test_a_file_may_name_every_type_by_its_own_word(kind: AnswerType):
    assert ANSWER_TYPES[kind.value] is kind


@pytest.mark.parametrize(("gold", "kind"), BAD)
def test_every_fault_of_a_gold_answer_has_words(gold: str, kind: AnswerType):
    fault = check_answer(gold, kind)
    assert fault is not None and fault in FAULTS
