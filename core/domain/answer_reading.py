"""Reading: what a whole answer of a type says, and where an answer stands in a text."""

from collections.abc import Callable

from core.domain.answer_box import box_in_prose, read_box, shown_box
from core.domain.answer_choice import Options, choice_in_clause, choice_in_prose, whole_choice
from core.domain.answer_list import list_in_clause, list_in_prose, read_list
from core.domain.answer_math import find_math, whole_math
from core.domain.answer_short import text_in_clause, text_in_prose, whole_yes_no, yes_no_in_clause, yes_no_in_prose
from core.domain.answer_text import announced, normal, plain
from core.domain.answer_types import IN_WORDS, LISTS, AnswerType
from core.domain.numbers import first_number, last_number, read_number


def canonical(answer: str, answer_type: AnswerType, options: Options | None) -> str | None:
    """The one way to write a whole answer: a letter, yes or no, a number as written, normal text, a box; or None."""
    return _WHOLE[answer_type](answer, options)


def find(text: str, answer_type: AnswerType, options: Options | None) -> str | None:
    """The answer in a text of any length, in the form of ``canonical``; None when there is none.

    Rules go from the surest to the least sure; the first that finds an answer decides.
    """
    if answer_type == AnswerType.MATH:
        return find_math(text)
    whole = canonical(text, answer_type, options) if answer_type not in IN_WORDS else None
    if whole is not None:
        return whole
    shown = plain(text) if answer_type not in LISTS else text
    for clause in announced(shown):
        answer = _IN_CLAUSE[answer_type](clause, options)
        if answer is not None:
            return answer
    return _IN_PROSE[answer_type](shown, options)


def _whole_number(answer: str, options: Options | None) -> str | None:
    return plain(answer) if read_number(answer) is not None else None


def _whole_box(answer: str, options: Options | None) -> str | None:
    box = read_box(answer)
    return None if box is None else shown_box(box)


def _whole_list(answer: str, options: Options | None) -> str | None:
    return answer.strip() if read_list(answer) else None


_Reader = Callable[[str, Options | None], str | None]
_WHOLE: dict[AnswerType, _Reader] = {
    AnswerType.CHOICE: whole_choice,
    AnswerType.YES_NO: whole_yes_no,
    AnswerType.NUMBER: _whole_number,
    AnswerType.TEXT: lambda answer, _: normal(answer) or None,
    AnswerType.MATH: lambda answer, _: whole_math(answer),
    AnswerType.BOX: _whole_box,
    **dict.fromkeys(LISTS, _whole_list),
}
_IN_CLAUSE: dict[AnswerType, _Reader] = {
    AnswerType.CHOICE: choice_in_clause,
    AnswerType.YES_NO: yes_no_in_clause,
    AnswerType.NUMBER: lambda clause, _: first_number(clause),
    AnswerType.TEXT: text_in_clause,
    AnswerType.BOX: lambda clause, _: box_in_prose(clause),
    **dict.fromkeys(LISTS, lambda clause, _: list_in_clause(clause)),
}
_IN_PROSE: dict[AnswerType, _Reader] = {
    AnswerType.CHOICE: choice_in_prose,
    AnswerType.YES_NO: yes_no_in_prose,
    AnswerType.NUMBER: lambda text, _: last_number(text),
    AnswerType.TEXT: text_in_prose,
    AnswerType.BOX: lambda text, _: box_in_prose(text),
    **dict.fromkeys(LISTS, lambda text, _: list_in_prose(text)),
}
