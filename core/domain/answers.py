"""Grading: one implementation for verdicts, quality control and rewards.

``grade`` says whether a model's text gives the gold answer, twice: *strict* counts only what stands in the last
``\\boxed{...}``, *lenient* also finds an answer in prose, so that format recovery is never sold as capability.
Whatever a model writes is correct or incorrect; only a gold answer that cannot be read makes a grade *unscored*.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from core.domain.answer_choice import (
    Options,
    choice_in_clause,
    choice_in_prose,
    option_letter,
    present_options,
    whole_choice,
)
from core.domain.answer_text import (
    announced,
    body,
    last_box,
    lines,
    normal,
    plain,
    statement,
)
from core.domain.numbers import first_number, last_number, read_number, same_number

EXTRACTOR_VERSION = "answers-1"

_YES_NO = {
    "yes": "yes",
    "y": "yes",
    "true": "yes",
    "no": "no",
    "n": "no",
    "false": "no",
}
_YES_NO_WORD = re.compile(r"\b(?:yes|no|true|false)\b")
_COPULA = re.compile(r"\s(?:is|are|says|reads)\s|[:=]\s", re.IGNORECASE)
MAX_TEXT_ANSWER_WORDS = 8


class AnswerType(StrEnum):
    """How a question is answered."""

    CHOICE = "choice"
    YES_NO = "yes_no"
    NUMBER = "number"
    TEXT = "text"


class Outcome(StrEnum):
    """What a verdict can say."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    UNSCORED = "unscored"


@dataclass(frozen=True)
class Grade:
    """One verdict. ``extracted`` is the answer that was read (a letter, yes or no, or as written).

    ``detail``: equal, different, no_box, no_answer, truncated, or ``gold_`` and the fault of ``check_answer``.
    """

    outcome: Outcome
    extracted: str | None
    detail: str

    @property
    def is_correct(self) -> bool:
        """Whether the answer was given and equal."""
        return self.outcome == Outcome.CORRECT


@dataclass(frozen=True)
class Graded:
    """The two verdicts on one text; strictly correct implies leniently correct."""

    strict: Grade
    lenient: Grade


def grade(
    text: str,
    gold: str,
    answer_type: AnswerType,
    options: Options | None = None,
    *,
    finish: str = "stop",
) -> Graded:
    """Compare a model's text with the gold answer; ``finish="length"`` marks a text that was cut off."""
    answer_type = AnswerType(answer_type)
    fault = _gold_fault(gold, answer_type, options)
    if fault:
        unscored = Grade(Outcome.UNSCORED, None, f"gold_{fault}")
        return Graded(unscored, unscored)
    shown = body(text)
    box = last_box(shown)
    boxed = None if box is None else _canonical(box, answer_type, options) or plain(box)
    strict = _verdict(boxed, "no_box", gold, answer_type, options)
    found = _find(shown if box is None else box, answer_type, options) or boxed
    lenient = strict if strict.is_correct else _verdict(found, "no_answer", gold, answer_type, options)
    return Graded(_cut_off(strict), _cut_off(lenient)) if finish == "length" else Graded(strict, lenient)


def _verdict(
    answer: str | None,
    missing: str,
    gold: str,
    answer_type: AnswerType,
    options: Options | None,
) -> Grade:
    if answer is None:
        return Grade(Outcome.INCORRECT, None, missing)
    if same_answer(answer, gold, answer_type, options):
        return Grade(Outcome.CORRECT, answer, "equal")
    return Grade(Outcome.INCORRECT, answer, "different")


def _cut_off(verdict: Grade) -> Grade:
    """A text that was cut off is wrong, whatever it said until then."""
    return Grade(Outcome.INCORRECT, verdict.extracted, "truncated")


def has_format(text: str) -> bool:
    r"""Whether the text holds a well-formed, non-empty ``\boxed{...}`` after the model's thinking."""
    return last_box(body(text)) is not None


def same_answer(a: str, b: str, answer_type: AnswerType, options: Options | None = None) -> bool:
    """Whether two whole answers mean the same; symmetric. Answers that cannot be read are compared as text."""
    if answer_type == AnswerType.NUMBER:
        left, right = read_number(a), read_number(b)
        if left is not None and right is not None:
            return same_number(left, right)
    first, second = (
        _canonical(a, answer_type, options),
        _canonical(b, answer_type, options),
    )
    if first is None and second is None:
        return normal(a) == normal(b) != ""
    return first is not None and first == second


def check_answer(gold: str, answer_type: AnswerType, options: Options | None = None) -> str | None:
    """Why this cannot be a question's answer, or None when it can.

    empty_answer, too_few_options, options_not_distinct, letter_not_among_options, not_yes_or_no, not_a_number.
    Options that stand in the question's own text are passed as None; then any letter will do.
    """
    texts = [normal(text) for text in present_options(options).values()]
    if gold.strip() and options and answer_type == AnswerType.CHOICE:
        if len(texts) < 2:
            return "too_few_options"
        if len(set(texts)) < len(texts):
            return "options_not_distinct"
    return _gold_fault(gold, answer_type, options)


def _gold_fault(gold: str, answer_type: AnswerType, options: Options | None) -> str | None:
    if not normal(gold):
        return "empty_answer"
    if answer_type == AnswerType.CHOICE:
        letter = option_letter(gold, options)
        return None if letter else "letter_not_among_options"
    if _canonical(gold, answer_type, options) is not None:
        return None
    return "not_yes_or_no" if answer_type == AnswerType.YES_NO else "not_a_number"


# Whole answers: what a box, a gold answer or an extracted answer must be from end to end.


def _canonical(answer: str, answer_type: AnswerType, options: Options | None) -> str | None:
    """The one way to write a whole answer: a letter, yes or no, a number as written, normal text; or None."""
    if answer_type == AnswerType.CHOICE:
        return whole_choice(answer, options)
    if answer_type == AnswerType.YES_NO:
        return _whole_yes_no(answer, options)
    if answer_type == AnswerType.NUMBER:
        return plain(answer) if read_number(answer) is not None else None
    return normal(answer) or None


def _whole_yes_no(answer: str, options: Options | None) -> str | None:
    letter = option_letter(answer, options) if options else None
    return _YES_NO.get(normal(present_options(options)[letter] if letter else answer))


# Prose: rules from the surest to the least sure; the first that finds an answer decides.


def _find(text: str, answer_type: AnswerType, options: Options | None) -> str | None:
    """The answer in a text of any length, in the form of ``_canonical``; None when there is none."""
    whole = _canonical(text, answer_type, options) if answer_type != AnswerType.TEXT else None
    if whole is not None:
        return whole
    shown = plain(text)
    read: Callable[[str, Options | None], str | None] = _IN_CLAUSE[answer_type]
    for clause in announced(shown):
        answer = read(clause, options)
        if answer is not None:
            return answer
    return _IN_PROSE[answer_type](shown, options)


def _yes_no_in_clause(clause: str, options: Options | None) -> str | None:
    whole = _whole_yes_no(statement(clause), options)
    first = _YES_NO_WORD.match(normal(clause))
    return whole or (_YES_NO[first.group()] if first else None)


def _yes_no_in_prose(text: str, options: Options | None) -> str | None:
    """The first word, the last line, or the only one of yes and no that is said."""
    shown = lines(text)
    for line in [*shown[:1], *shown[-1:]]:
        answer = _yes_no_in_clause(line, options)
        if answer is not None:
            return answer
    said = {_YES_NO[word] for word in _YES_NO_WORD.findall(text.casefold())}
    return said.pop() if len(said) == 1 else None


def _text_in_clause(clause: str, options: Options | None) -> str | None:
    return normal(statement(clause)) or None


def _text_in_prose(text: str, options: Options | None) -> str | None:
    """The last line, or what its last "is" says when that is short."""
    last = statement((lines(text) or [""])[-1])
    tail = _COPULA.split(last)[-1]
    return normal(tail if len(tail.split()) <= MAX_TEXT_ANSWER_WORDS else last) or None


_Reader = Callable[[str, Options | None], str | None]
_IN_CLAUSE: dict[AnswerType, _Reader] = {
    AnswerType.CHOICE: choice_in_clause,
    AnswerType.YES_NO: _yes_no_in_clause,
    AnswerType.NUMBER: lambda clause, _: first_number(clause),
    AnswerType.TEXT: _text_in_clause,
}
_IN_PROSE: dict[AnswerType, _Reader] = {
    AnswerType.CHOICE: choice_in_prose,
    AnswerType.YES_NO: _yes_no_in_prose,
    AnswerType.NUMBER: lambda text, _: last_number(text),
    AnswerType.TEXT: _text_in_prose,
}
