"""Hard cases, decided as a careful person would: (type, gold, options, text, strict, lenient, note)."""

from tests.core.answer_cases.choice import CASES as CHOICE_CASES
from tests.core.answer_cases.formulas import CASES as FORMULA_CASES
from tests.core.answer_cases.numbers import CASES as NUMBER_CASES
from tests.core.answer_cases.places import CASES as PLACE_CASES
from tests.core.answer_cases.words import CASES as WORD_CASES

CASES = [*CHOICE_CASES, *NUMBER_CASES, *WORD_CASES, *FORMULA_CASES, *PLACE_CASES]
