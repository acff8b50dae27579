"""Grading: one implementation for verdicts, quality control and rewards.

``grade`` says whether a model's text gives the gold answer, twice: *strict* counts only what stands in the last
``\\boxed{...}``, *lenient* also finds an answer in prose, so that format recovery is never sold as capability.
Whatever a model writes is correct or incorrect; only a gold answer that cannot be read makes a grade *unscored*.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.domain.answer_box import read_box, same_box
from core.domain.answer_choice import Options, option_letter, present_options
from core.domain.answer_list import read_list, same_list, same_set
from core.domain.answer_math import compare_math, decide_math, is_too_hard, math_fault
from core.domain.answer_reading import canonical, find
from core.domain.answer_short import same_text
from core.domain.answer_text import body, boxes, normal, plain
from core.domain.answer_types import IN_WORDS, LISTS
from core.domain.answer_types import AnswerType as AnswerType
from core.domain.answer_verifier import Word, compare
from core.domain.numbers import exact, read_number, same_number

EXTRACTOR_VERSION = "answers-2"

MAX_WHOLE_CHARS = 300
BROKEN_LIMITS = frozenset({Word.TIMED_OUT, Word.VERIFIER_DIED})


class Outcome(StrEnum):
    """What a verdict can say."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    UNSCORED = "unscored"


@dataclass(frozen=True)
class Grade:
    """One verdict. ``extracted`` is the answer that was read (a letter, yes or no, or as written).

    ``detail``: equal, different, no_box, no_answer, truncated, the limit that a formula broke (timed_out,
    verifier_died, too_long, too_deep, not_math), or ``gold_`` and the fault of ``check_answer``.
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


@dataclass(frozen=True)
class ModelText:
    """A text with what it should have said; the arguments of ``grade``."""

    text: str
    gold: str
    answer_type: AnswerType
    options: Options | None = None
    finish: str = "stop"


def grade(
    text: str, gold: str, answer_type: AnswerType, options: Options | None = None, *, finish: str = "stop"
) -> Graded:
    """Compare a model's text with the gold answer; ``finish="length"`` marks a text that was cut off."""
    given = ModelText(text, gold, AnswerType(answer_type), options, finish)
    fault = _gold_fault(gold, given.answer_type, options)
    if fault:
        return _unscored(fault)
    boxed, found = _readings(given)
    strict = _verdict(boxed, "no_box", given)
    lenient = strict if strict.is_correct else _best([_verdict(answer, "no_answer", given) for answer in found])
    if {strict.detail, lenient.detail} & BROKEN_LIMITS and is_too_hard(gold):
        return _unscored("too_hard")
    return Graded(_cut_off(strict), _cut_off(lenient)) if finish == "length" else Graded(strict, lenient)


def grade_many(given: Sequence[ModelText]) -> list[Graded]:
    """What ``grade`` says of each; formulas that need a verifier are compared side by side first."""
    compare([pair for one in given if one.answer_type == AnswerType.MATH for pair in _pairs(one)])
    return [grade(one.text, one.gold, one.answer_type, one.options, finish=one.finish) for one in given]


def _pairs(given: ModelText) -> list[tuple[str, str]]:
    """The pairs of formulas that only a verifier can compare."""
    if math_fault(given.gold):
        return []
    boxed, found = _readings(given)
    answers = {answer for answer in (boxed, *found) if answer is not None}
    return [pair for answer in answers if not isinstance(pair := decide_math(answer, given.gold), Word)]


def _readings(given: ModelText) -> tuple[str | None, list[str | None]]:
    """The strict answer, and the lenient ones with the surest first."""
    shown, kind, options = body(given.text), given.answer_type, given.options
    in_boxes = boxes(shown)
    if in_boxes:
        last = in_boxes[-1]
        boxed = canonical(last, kind, options) or plain(last)
        joined = [", ".join(in_boxes)] if kind in LISTS and len(in_boxes) > 1 else []
        return boxed, [find(last, kind, options) or boxed, *joined]
    whole = [shown.strip()] if kind in IN_WORDS and len(shown.strip()) <= MAX_WHOLE_CHARS else []
    return None, [find(shown, kind, options), *whole]


def _best(verdicts: Sequence[Grade]) -> Grade:
    """The correct one, else the surest."""
    return next((verdict for verdict in verdicts if verdict.is_correct), verdicts[0])


def _verdict(answer: str | None, missing: str, given: ModelText) -> Grade:
    if answer is None:
        return Grade(Outcome.INCORRECT, None, missing)
    word = _compare(answer, given.gold, given.answer_type, given.options, is_claim=True)
    return Grade(Outcome.CORRECT if word is Word.EQUAL else Outcome.INCORRECT, answer, word.value)


def _cut_off(verdict: Grade) -> Grade:
    """A text that was cut off is wrong, whatever it said until then."""
    return Grade(Outcome.INCORRECT, verdict.extracted, "truncated")


def _unscored(fault: str) -> Graded:
    """The fault is ours: the gold answer cannot be read."""
    verdict = Grade(Outcome.UNSCORED, None, f"gold_{fault}")
    return Graded(verdict, verdict)


def has_format(text: str) -> bool:
    r"""Whether the text holds a well-formed, non-empty ``\boxed{...}`` after the model's thinking."""
    return bool(boxes(body(text)))


def same_answer(a: str, b: str, answer_type: AnswerType, options: Options | None = None) -> bool:
    """Whether two whole answers mean the same; symmetric. Answers that cannot be read are compared as text."""
    return _compare(a, b, AnswerType(answer_type), options) is Word.EQUAL


def _compare(a: str, b: str, answer_type: AnswerType, options: Options | None, *, is_claim: bool = False) -> Word:
    """Equal or different, or the limit that a formula broke. ``is_claim``: ``a`` is a model's word about ``b``."""
    if answer_type == AnswerType.MATH:
        return compare_math(a, b)
    if answer_type == AnswerType.TEXT:
        return Word.of(same_text(a, b))
    as_read = _COMPARED[answer_type](a, b, is_claim) if answer_type in _COMPARED else None
    if as_read is not None:
        return Word.of(as_read)
    first, second = canonical(a, answer_type, options), canonical(b, answer_type, options)
    if first is None and second is None:
        return Word.of(normal(a) == normal(b) != "")
    return Word.of(first is not None and first == second)


def _same_numbers(a: str, b: str, is_claim: bool) -> bool | None:
    """None unless both are numbers."""
    left, right = read_number(a), read_number(b)
    if left is None or right is None:
        return None
    return same_number(exact(left) if is_claim else left, right)


def _same_boxes(a: str, b: str, is_claim: bool) -> bool | None:
    left, right = read_box(a), read_box(b)
    return None if left is None or right is None else same_box(left, right)


def _same_lists(a: str, b: str, is_claim: bool) -> bool | None:
    left, right = read_list(a), read_list(b)
    return None if left is None or right is None else same_list(left, right)


def _same_sets(a: str, b: str, is_claim: bool) -> bool | None:
    left, right = read_list(a), read_list(b)
    return None if left is None or right is None else same_set(left, right)


_COMPARED = {
    AnswerType.NUMBER: _same_numbers,
    AnswerType.BOX: _same_boxes,
    AnswerType.LIST: _same_lists,
    AnswerType.SET: _same_sets,
}


def check_answer(gold: str, answer_type: AnswerType, options: Options | None = None) -> str | None:
    """Why this cannot be a question's answer, or None when it can.

    empty_answer, too_few_options, options_not_distinct, letter_not_among_options, not_yes_or_no, not_a_number,
    not_math, too_long, too_deep, not_a_box, not_a_list.
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
        return None if letter else _FAULTS[answer_type]
    if answer_type == AnswerType.MATH and (fault := math_fault(gold)):
        return fault
    return None if canonical(gold, answer_type, options) is not None else _FAULTS[answer_type]


_FAULTS = {
    AnswerType.CHOICE: "letter_not_among_options",
    AnswerType.YES_NO: "not_yes_or_no",
    AnswerType.NUMBER: "not_a_number",
    AnswerType.TEXT: "empty_answer",
    AnswerType.MATH: "not_math",
    AnswerType.BOX: "not_a_box",
    AnswerType.LIST: "not_a_list",
    AnswerType.SET: "not_a_list",
}
