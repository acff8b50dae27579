"""Grading says what the model's text says, however it says it."""

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.answers import AnswerType, Outcome, check_answer, grade, has_format, same_answer

CHOICE, YES_NO, NUMBER, TEXT = AnswerType.CHOICE, AnswerType.YES_NO, AnswerType.NUMBER, AnswerType.TEXT
COLOURS = {"A": "Red", "B": "Blue", "C": "Light blue", "D": "Green"}
COUNTS = {"A": "1", "B": "2", "C": "12", "D": "2.5"}

# text, gold, type, options, strict, lenient
HARD = [
    ("\\boxed{B}", "B", CHOICE, COLOURS, True, True),
    ("It is blue, so \\boxed{B}.", "B", CHOICE, COLOURS, True, True),
    ("\\boxed{b}", "B", CHOICE, COLOURS, True, True),
    ("\\boxed{(B)}", "B", CHOICE, COLOURS, True, True),
    ("\\boxed{\\text{B}}", "B", CHOICE, COLOURS, True, True),
    ("$\\boxed{\\text{B. Blue}}$", "B", CHOICE, COLOURS, True, True),
    ("\\boxed{Blue}", "B", CHOICE, COLOURS, True, True),
    ("\\boxed{light blue}", "B", CHOICE, COLOURS, False, False),
    ("\\boxed{B. Red}", "B", CHOICE, COLOURS, False, True),
    ("\\boxed{The answer is B}", "B", CHOICE, COLOURS, False, True),
    ("\\boxed{A} no, wait: \\boxed{B}", "B", CHOICE, COLOURS, True, True),
    ("\\boxed{B} no, wait: \\boxed{A}", "B", CHOICE, COLOURS, False, False),
    ("\\boxed{B} and then \\boxed{A", "B", CHOICE, COLOURS, True, True),
    ("\\boxed{\\boxed{B}}", "B", CHOICE, COLOURS, True, True),
    ("I must use \\boxed{}. The answer is B.", "B", CHOICE, COLOURS, False, True),
    ("\\boxed{B", "B", CHOICE, COLOURS, False, True),
    ("\\boxed{E}", "B", CHOICE, COLOURS, False, False),
    ("\\boxed{AB}", "B", CHOICE, COLOURS, False, False),
    ("\\boxed{}", "B", CHOICE, COLOURS, False, False),
    ("B", "B", CHOICE, COLOURS, False, True),
    ("b", "B", CHOICE, COLOURS, False, True),
    ("(b)", "B", CHOICE, COLOURS, False, True),
    ("B.", "B", CHOICE, COLOURS, False, True),
    ("**B**", "B", CHOICE, COLOURS, False, True),
    ("B. Blue", "B", CHOICE, COLOURS, False, True),
    ("B) blue.", "B", CHOICE, COLOURS, False, True),
    ("Blue", "B", CHOICE, COLOURS, False, True),
    ("blue.", "B", CHOICE, COLOURS, False, True),
    ("The answer is B", "B", CHOICE, COLOURS, False, True),
    ("The answer is (B).", "B", CHOICE, COLOURS, False, True),
    ("The correct option is: B, since it is blue", "B", CHOICE, COLOURS, False, True),
    ("**Answer:** B", "B", CHOICE, COLOURS, False, True),
    ("Answer\uff1aB", "B", CHOICE, COLOURS, False, True),
    ("\u7b54\u6848\u662fB", "B", CHOICE, COLOURS, False, True),
    ("<answer>B</answer>", "B", CHOICE, COLOURS, False, True),
    ("The answer is a blue square", "B", CHOICE, {"A": "a red square", "B": "a blue square"}, False, True),
    ("The answer is not A. It is B.", "B", CHOICE, COLOURS, False, True),
    ("The square is light blue.", "C", CHOICE, COLOURS, False, True),
    ("The square is light blue.", "B", CHOICE, COLOURS, False, False),
    ("It is either red or blue.", "B", CHOICE, COLOURS, False, False),
    ("A. Red is wrong.\nB. Blue is right.\nThe answer is B.", "B", CHOICE, COLOURS, False, True),
    ("First I thought the answer is A. Then I looked. The answer is B.", "B", CHOICE, COLOURS, False, True),
    ("Option B is correct.", "B", CHOICE, COLOURS, False, True),
    ("The answer is B or C.", "B", CHOICE, COLOURS, False, False),
    ("The answer is A or B.", "B", CHOICE, COLOURS, False, False),
    ("The answer is blue or red.", "B", CHOICE, COLOURS, False, False),
    ("The answer is B and here is why.", "B", CHOICE, COLOURS, False, True),
    ("\\boxed{A or B}", "B", CHOICE, COLOURS, False, False),
    ("I cannot tell.", "B", CHOICE, COLOURS, False, False),
    ("", "B", CHOICE, COLOURS, False, False),
    ("2", "B", CHOICE, COUNTS, False, True),
    ("There are 12 of them.", "C", CHOICE, COUNTS, False, True),
    ("It reads 2.5", "D", CHOICE, COUNTS, False, True),
    ("B. the second one", "B", CHOICE, None, False, True),
    ("The answer is C", "C", CHOICE, None, False, True),
    ("<think>Is it \\boxed{A}?</think>\\boxed{B}", "B", CHOICE, COLOURS, True, True),
    ("<think>\\boxed{B}</think>I do not know.", "B", CHOICE, COLOURS, False, False),
    ("\\boxed{Yes}", "yes", YES_NO, None, True, True),
    ("Yes, there is a cat.", "yes", YES_NO, None, False, True),
    ("No.", "yes", YES_NO, None, False, False),
    ("The answer is no", "No", YES_NO, None, False, True),
    ("There is no cat here.", "no", YES_NO, None, False, True),
    ("\\boxed{True}", "Yes", YES_NO, None, True, True),
    ("\\boxed{B}", "no", YES_NO, {"A": "Yes", "B": "No"}, True, True),
    ("Yes and no, I think; maybe", "no", YES_NO, None, False, False),
    ("\\boxed{12}", "12", NUMBER, None, True, True),
    ("\\boxed{12.0}", "12", NUMBER, None, True, True),
    ("\\boxed{13}", "12", NUMBER, None, False, False),
    ("\\boxed{1,000}", "1000", NUMBER, None, True, True),
    ("\\boxed{1{,}000}", "1000", NUMBER, None, True, True),
    ("\\boxed{1\\,000}", "1000", NUMBER, None, True, True),
    ("1,000", "1000", NUMBER, None, False, True),
    ("twelve", "12", NUMBER, None, False, True),
    ("\\boxed{Twelve}", "12", NUMBER, None, True, True),
    ("There are twenty-one birds.", "21", NUMBER, None, False, True),
    ("one hundred and five", "105", NUMBER, None, False, True),
    ("\\boxed{\u221212}", "-12", NUMBER, None, True, True),
    ("minus twelve", "-12", NUMBER, None, False, True),
    ("\\boxed{-12}", "12", NUMBER, None, False, False),
    ("\\boxed{.5}", "5", NUMBER, None, False, False),
    ("\\boxed{50%}", ".5", NUMBER, None, True, True),
    ("\\boxed{50\\%}", "50", NUMBER, None, True, True),
    ("50%", "0.5", NUMBER, None, False, True),
    ("\\boxed{50%}", "0.5%", NUMBER, None, False, False),
    ("\\boxed{12 cm}", "12", NUMBER, None, True, True),
    ("\\boxed{12\\text{ cm}}", "12 centimeters", NUMBER, None, True, True),
    ("\\boxed{12 cm}", "12 km", NUMBER, None, False, False),
    ("\\boxed{12 cm\u00b2}", "12 cm^2", NUMBER, None, True, True),
    ("\\boxed{\\frac{1}{2}}", "0.5", NUMBER, None, True, True),
    ("\\boxed{\\dfrac12}", "1/2", NUMBER, None, True, True),
    ("\\boxed{-\\frac{3}{4}}", "-.75", NUMBER, None, True, True),
    ("\\boxed{1\\frac{1}{2}}", "1.5", NUMBER, None, True, True),
    ("\\boxed{1\u00bd}", "1.5", NUMBER, None, True, True),
    ("\\boxed{1.2\\times 10^{3}}", "1200", NUMBER, None, True, True),
    ("\\boxed{1.2e3}", "1200", NUMBER, None, True, True),
    ("\\boxed{10^3}", "10", NUMBER, None, False, False),
    ("\\boxed{12 and thirteen}", "12", NUMBER, None, False, True),
    ("\\boxed{1.2 million}", "1,200,000", NUMBER, None, True, True),
    ("\\boxed{\\$5}", "5", NUMBER, None, True, True),
    ("\\boxed{x = 5}", "5", NUMBER, None, True, True),
    ("\\boxed{90^\\circ}", "90", NUMBER, None, True, True),
    ("\\boxed{12 or 13}", "12", NUMBER, None, False, False),
    ("3 red and 4 blue make 7.", "7", NUMBER, None, False, True),
    ("1. Count the red: 3\n2. So it is 3.", "3", NUMBER, None, False, True),
    ("The answer is 7, because 3 + 4 are that", "7", NUMBER, None, False, True),
    ("from 2-5", "-5", NUMBER, None, False, False),
    ("\\boxed{1/0}", "0", NUMBER, None, False, False),
    ("\\boxed{1e999999999}", "12", NUMBER, None, False, False),
    ("\\boxed{0.3333}", "1/3", NUMBER, None, True, True),
    ("\\boxed{10001}", "10000", NUMBER, None, False, False),
    ("\\boxed{many}", "12", NUMBER, None, False, False),
    ("\\boxed{cat}", "Cat", TEXT, None, True, True),
    ("\\boxed{the cat}", "cat", TEXT, None, True, True),
    ("\\boxed{cats}", "cat", TEXT, None, False, False),
    ("\\boxed{\\text{New  York}.}", "new york", TEXT, None, True, True),
    ("cat.", "cat", TEXT, None, False, True),
    ("The word is CAT.", "cat", TEXT, None, False, True),
    ("I looked closely.\nThe answer is: cat", "cat", TEXT, None, False, True),
    ("The answer is cat, because it has whiskers.", "cat", TEXT, None, False, True),
    ("\\boxed{war is peace}", "War is peace", TEXT, None, True, True),
    ("\\boxed{007}", "7", TEXT, None, False, False),
]

HOSTILE = ["\\boxed{", "\\boxed{1}", "{", "}", "1", "1,", "1,000,", "1/", "a", "A. ", " ", "\n", "\t", "-", ".1"]
HOSTILE += ["answer is ", "answer", "twenty ", "1 ", "$", "**", "__", "\\text{", "^{\\circ", "x10^", "(", "not ", "½"]

EVERYTHING = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="\\boxed{}ABCDabcd()., \n$%/*^-0123456789eE+x", max_size=300),
    st.sampled_from([row[0] for row in HARD]),
)
TYPES = st.sampled_from(list(AnswerType))
OPTIONS = st.sampled_from([None, COLOURS, COUNTS, {}])


@pytest.mark.parametrize(("text", "gold", "kind", "options", "strict", "lenient"), HARD)
def test_hard_texts_are_read_as_a_person_reads_them(
    text: str, gold: str, kind: AnswerType, options: dict[str, str] | None, strict: bool, lenient: bool
) -> None:
    graded = grade(text, gold, kind, options)
    assert (graded.strict.is_correct, graded.lenient.is_correct) == (strict, lenient), graded


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
    for text, gold, kind, options, *_ in HARD:
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
    gold = {CHOICE: "B", YES_NO: "no", NUMBER: "12", TEXT: "cat"}[kind]
    started = time.process_time()
    grade(piece * (200_000 // len(piece)), gold, kind, COLOURS)
    assert time.process_time() - started < 1


def test_importing_the_grader_loads_nothing_heavy() -> None:
    code = "import core.domain.answers, sys; print(sorted({'numpy', 'sympy', 'torch', 'django'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
