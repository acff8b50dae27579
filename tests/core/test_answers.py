"""Grading says what the model's text says, however it says it."""

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.answers import AnswerType, Outcome, check_answer, grade, has_format, same_answer
from tests.core.answer_cases import CASES
from tests.core.answer_cases.choice import COUNTS
from tests.core.answer_cases.choice import HUES as COLOURS

CHOICE, YES_NO, NUMBER, TEXT = AnswerType.CHOICE, AnswerType.YES_NO, AnswerType.NUMBER, AnswerType.TEXT
MATH, BOX, LIST, SET = AnswerType.MATH, AnswerType.BOX, AnswerType.LIST, AnswerType.SET
GOLDS = {
    CHOICE: "B",
    YES_NO: "no",
    NUMBER: "12",
    TEXT: "cat",
    MATH: "x+1",
    BOX: "[1, 2, 3, 4]",
    LIST: "1, 2",
    SET: "1, 2",
}

HOSTILE = ["\\boxed{", "\\boxed{1}", "{", "}", "1", "1,", "1,000,", "1/", "a", "A. ", " ", "\n", "\t", "-", ".1"]
HOSTILE += ["answer is ", "answer", "twenty ", "1 ", "$", "**", "__", "\\text{", "^{\\circ", "x10^", "(", "not ", "½"]

EVERYTHING = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="\\boxed{}ABCDabcd()., \n$%/*^-0123456789eE+x", max_size=300),
    st.sampled_from([text for *_, text, _, _, _ in CASES]),
    st.sampled_from([gold for _, gold, *_ in CASES]),
)
TYPES = st.sampled_from(list(AnswerType))
OPTIONS = st.sampled_from([None, COLOURS, COUNTS, {}])


def test_there_are_enough_hard_cases_of_every_type_and_none_stands_twice() -> None:
    assert len(CASES) >= 300
    assert {kind for kind, *_ in CASES} == set(AnswerType)
    assert len({(kind, gold, str(options), text) for kind, gold, options, text, *_ in CASES}) == len(CASES)


@pytest.mark.parametrize(("kind", "gold", "options", "text", "strict", "lenient", "note"), CASES)
def test_hard_texts_are_read_as_a_careful_person_reads_them(
    kind: AnswerType, gold: str, options: dict[str, str] | None, text: str, strict: bool, lenient: bool, note: str
) -> None:
    graded = grade(text, gold, kind, options)
    assert (graded.strict.is_correct, graded.lenient.is_correct) == (strict, lenient), (note, graded)


def test_every_gold_answer_of_the_hard_cases_could_stand_in_a_benchmark() -> None:
    assert [gold for kind, gold, options, *_ in CASES if check_answer(gold, kind, options)] == []


def test_a_text_without_an_answer_is_incorrect_and_says_so() -> None:
    graded = grade("I cannot tell.", "12", NUMBER)
    assert (graded.strict.outcome, graded.strict.detail) == (Outcome.INCORRECT, "no_box")
    assert (graded.lenient.outcome, graded.lenient.detail) == (Outcome.INCORRECT, "no_answer")


def test_a_text_that_was_cut_off_is_incorrect_whatever_it_said() -> None:
    graded = grade("\\boxed{12} but", "12", NUMBER, finish="length")
    assert {(g.outcome, g.extracted, g.detail) for g in (graded.strict, graded.lenient)} == {
        (Outcome.INCORRECT, "12", "truncated")
    }


def test_a_gold_answer_that_cannot_be_read_is_our_fault_not_the_models() -> None:
    graded = grade("\\boxed{B}", "E", CHOICE, COLOURS)
    assert (graded.strict.outcome, graded.lenient.detail) == (Outcome.UNSCORED, "gold_letter_not_among_options")


def test_a_type_that_comes_from_a_file_as_a_plain_string_is_the_same_type() -> None:
    for kind, gold, options, text, *_ in CASES:
        assert grade(text, gold, str(kind.value), options) == grade(text, gold, kind, options)  # type: ignore[arg-type]


def test_an_unknown_type_is_a_bug_and_not_a_wrong_answer() -> None:
    with pytest.raises(ValueError, match="essay"):
        grade("\\boxed{cat}", "cat", "essay")  # type: ignore[arg-type]


def test_what_was_extracted_is_kept_when_it_is_wrong() -> None:
    assert grade("\\boxed{E}", "B", CHOICE, COLOURS).strict.extracted == "E"
    assert grade("The answer is (a).", "B", CHOICE, COLOURS).lenient.extracted == "A"
    assert grade("I see 12 cm.", "13", NUMBER).lenient.extracted == "12 cm"


def test_a_graders_prompt_echo_is_no_format() -> None:
    assert not has_format("Put the final answer in \\boxed{}.")
    assert not has_format("\\boxed{12")
    assert has_format("so \\boxed{\\frac{1}{2}} it is")


@pytest.mark.parametrize(
    ("gold", "kind", "options", "fault"),
    [
        ("B", CHOICE, COLOURS, None),
        ("(b)", CHOICE, COLOURS, None),
        ("E", CHOICE, COLOURS, "letter_not_among_options"),
        ("Blue", CHOICE, COLOURS, "letter_not_among_options"),
        ("B", CHOICE, {"A": "x", "B": ""}, "too_few_options"),
        ("C", CHOICE, {"A": "x", "B": "y", "C": " "}, "letter_not_among_options"),
        ("A", CHOICE, {"A": "Cat", "B": "a cat"}, "options_not_distinct"),
        ("A", CHOICE, {"A": "5", "B": "-5"}, None),
        ("C", CHOICE, None, None),
        ("", CHOICE, COLOURS, "empty_answer"),
        ("  ", TEXT, None, "empty_answer"),
        ("maybe", YES_NO, None, "not_yes_or_no"),
        ("Yes", YES_NO, None, None),
        ("twelve cm", NUMBER, None, None),
        ("a dozen or so", NUMBER, None, "not_a_number"),
        ("cat", TEXT, None, None),
        ("12 cm ± 0.5", NUMBER, None, None),
        ("12 cm ± 5 kg", NUMBER, None, "not_a_number"),
        ("\\frac{1}{2}", MATH, None, None),
        ("\\frac{1}{2", MATH, None, "not_math"),
        ("x+" * 300 + "x", MATH, None, "too_long"),
        ("(" * 21 + "x" + ")" * 21, MATH, None, "too_deep"),
        ("[1, 2, 3, 4]", BOX, None, None),
        ("[1, 2, 3]", BOX, None, "not_a_box"),
        ("[1, 2, 1, 4]", BOX, None, "not_a_box"),
        ("red, green", LIST, None, None),
        ("red, , green", LIST, None, "not_a_list"),
        ("1; 2", SET, None, None),
        (", ".join(["1"] * 101), SET, None, "not_a_list"),
    ],
)
def test_an_answer_is_checked_at_the_boundary(
    gold: str, kind: AnswerType, options: dict[str, str] | None, fault: str | None
) -> None:
    assert check_answer(gold, kind, options) == fault


@given(EVERYTHING, EVERYTHING, TYPES, OPTIONS, st.sampled_from(["stop", "length"]))
@settings(max_examples=400, deadline=None)
def test_no_text_breaks_grading_and_strict_is_never_kinder_than_lenient(
    text: str, gold: str, kind: AnswerType, options: dict[str, str] | None, finish: str
) -> None:
    graded = grade(text, gold, kind, options, finish=finish)
    assert graded.lenient.is_correct or not graded.strict.is_correct
    assert (graded.strict.outcome is Outcome.UNSCORED) == (graded.lenient.outcome is Outcome.UNSCORED)


@given(EVERYTHING, EVERYTHING, TYPES, OPTIONS)
@settings(max_examples=400, deadline=None)
def test_sameness_is_symmetric(a: str, b: str, kind: AnswerType, options: dict[str, str] | None) -> None:
    assert same_answer(a, b, kind, options) == same_answer(b, a, kind, options)


@given(EVERYTHING, TYPES, OPTIONS)
@settings(max_examples=400, deadline=None)
def test_a_boxed_gold_answer_is_correct(gold: str, kind: AnswerType, options: dict[str, str] | None) -> None:
    fits_a_box = not set("{}\\") & set(gold) and "</think>" not in gold
    if fits_a_box and check_answer(gold, kind, options) is None:
        assert grade(f"so \\boxed{{{gold}}}", gold, kind, options).strict.is_correct


@given(st.integers(-(10**12), 10**12))
@settings(deadline=None)
def test_thousands_separators_change_nothing(number: int) -> None:
    assert same_answer(f"{number:,}", str(number), NUMBER)
    assert not same_answer(f"{number:,}", str(number + 1), NUMBER)


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("kind", list(AnswerType))
def test_grading_takes_bounded_time_on_hostile_text(piece: str, kind: AnswerType) -> None:
    started = time.process_time()
    grade(piece * (200_000 // len(piece)), GOLDS[kind], kind, COLOURS)
    assert time.process_time() - started < 1


def test_importing_the_grader_loads_nothing_heavy() -> None:
    code = "import core.domain.answers, sys; print(sorted({'numpy', 'sympy', 'torch', 'django'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
