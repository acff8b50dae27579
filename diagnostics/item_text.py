"""One row of a benchmark file as a checked question: options, typed gold answer, skill, image type, given split."""

import re
from dataclasses import dataclass
from string import ascii_uppercase

from core.domain.answer_choice import option_letter, whole_choice
from core.domain.answer_types import LISTS
from core.domain.answers import AnswerType, check_answer
from core.domain.numbers import read_number
from core.errors import InvalidInput
from diagnostics.domain.splits import Split
from diagnostics.tsv import Row, cell_list, index_key

MAX_INDEX, MAX_SKILL = 120, 80
OTHER_IMAGES = "mixed"
IMAGE_TYPES = frozenset(
    {
        *("geometric", "medical", "chart_graph", "text_dense", "diagram", "math_formula", "map", "natural_scene"),
        *("artistic", "everyday_object", "architectural", OTHER_IMAGES),
    }
)
ANSWER_TYPES = {
    **{kind.value: kind for kind in AnswerType},
    **dict.fromkeys(("multi_choice", "multiple_choice"), AnswerType.CHOICE),
    **dict.fromkeys(("integer", "float", "numerical"), AnswerType.NUMBER),
    **dict.fromkeys(("string", "free_form"), AnswerType.TEXT),
}
FAULTS = {
    "empty_answer": "the answer is empty",
    "too_few_options": "a choice needs at least two options",
    "options_not_distinct": "two options say the same",
    "letter_not_among_options": "is not the letter or the text of one option",
    "not_yes_or_no": "is neither yes nor no",
    "not_a_number": "is not a number",
    "not_math": "is no formula: its braces do not match",
    "too_long": "is too long for a formula",
    "too_deep": "is nested too deep for a formula",
    "not_a_box": "is not one box of four numbers with an area",
    "not_a_list": "is not a list of at most 100 elements",
}


@dataclass(frozen=True)
class ItemText:
    """All of an item but its pictures; ``split`` is None where the file does not say a known one."""

    index: str
    question: str
    hint: str
    options: dict[str, str]
    answer: str
    answer_type: AnswerType
    skill: str
    image_type: str
    split: Split | None


def item_text(row: Row, benchmark: str) -> ItemText:
    """The row's question, or InvalidInput with what is wrong in it; without a category the benchmark is the skill."""
    if not row.cells:
        raise InvalidInput("not as many cells as the header has.", field="path")
    options = {letter: row.text(letter) for letter in ascii_uppercase if row.text(letter)}
    question = needed(row, "question")
    answer = gold_answer(row)
    answer_type = answer_type_of(row, question, options, answer)
    if answer_type is AnswerType.CHOICE:
        answer = whole_choice(answer, options) or answer
    if fault := check_answer(answer, answer_type, options or None):
        raise InvalidInput(f"answer: {answer[:60]!r} {FAULTS[fault]}.", field="answer")
    return ItemText(
        index=index_of(row),
        question=question,
        hint=row.text("hint"),
        options=options,
        answer=answer,
        answer_type=answer_type,
        skill=skill_of(row, benchmark),
        image_type=image_type_of(row),
        split=Split(row.text("split")) if row.text("split") in set(Split) else None,
    )


def needed(row: Row, column: str) -> str:
    """A cell that must not be empty."""
    if not row.text(column):
        raise InvalidInput(f"{column}: the cell is empty.", field=column)
    return row.text(column)


def index_of(row: Row) -> str:
    """The row's index as a key."""
    index = needed(row, "index")
    if len(index) > MAX_INDEX:
        raise InvalidInput(f"index: longer than {MAX_INDEX} characters.", field="index")
    return index_key(index)


def gold_answer(row: Row) -> str:
    """The gold answer; of a list of accepted answers only where all are equal: one is what we compare with."""
    answer = needed(row, "answer")
    if row.text("answer_type").casefold() in LISTS | {AnswerType.BOX}:
        return answer
    try:
        accepted = {one.strip().casefold(): one.strip() for one in reversed(cell_list(answer, "answer"))}
    except InvalidInput:
        return answer  # an interval or a set, not a list of strings
    if len(accepted) > 1:
        raise InvalidInput(f"answer: {len(accepted)} different accepted answers; give one.", field="answer")
    return next(iter(accepted.values()), answer)


def answer_type_of(row: Row, question: str, options: dict[str, str], answer: str) -> AnswerType:
    """What the file says, else a guess: options, yes or no, a number, a letter that the question lists, text."""
    said = row.text("answer_type").casefold()
    if said:
        if said not in ANSWER_TYPES:
            known = ", ".join(kind.value for kind in AnswerType)
            raise InvalidInput(f"answer_type: {said[:40]!r} is none of {known}.", field="answer_type")
        return ANSWER_TYPES[said]
    if options:
        return AnswerType.CHOICE
    if answer.casefold() in ("yes", "no"):
        return AnswerType.YES_NO
    if read_number(answer) is not None:
        return AnswerType.NUMBER
    letter = option_letter(answer, None)
    listed = letter and re.search(rf"(?<!\w)\(?{letter}[).:]", question)
    return AnswerType.CHOICE if listed else AnswerType.TEXT


def skill_of(row: Row, benchmark: str) -> str:
    """The category, else the benchmark's name."""
    skill = row.text("category") or benchmark
    if len(skill) > MAX_SKILL:
        raise InvalidInput(f"category: longer than {MAX_SKILL} characters.", field="category")
    return skill


def image_type_of(row: Row) -> str:
    """``l2-category`` where it is one of the method's image types, else mixed: other suites keep other things there."""
    said = row.text("l2-category").casefold().replace(" ", "_")
    return said if said in IMAGE_TYPES else OTHER_IMAGES
