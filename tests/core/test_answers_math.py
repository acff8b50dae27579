"""Formulas are compared in processes that a hostile one can end, but never hold up."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain import answer_verifier
from core.domain.answer_math import compare_math, decide_math
from core.domain.answer_text import boxes
from core.domain.answer_verifier import VerifierProcess, Word, compare
from core.domain.answers import AnswerType, ModelText, Outcome, check_answer, grade, grade_many, same_answer
from tests.core.answer_cases.formulas import CASES

MATH = AnswerType.MATH
ENDLESS = "\\sum_{i=1}^{100000000} i^i"
FORMULAS = st.sampled_from(
    sorted({gold for _, gold, *_ in CASES} | {"x+1", "1+x", "\\frac{2}{4}", "\\pi", "x>5", "3,2", "7"})
)


@pytest.fixture
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_verifier, "_remembered", {})


def test_a_formula_that_takes_for_ever_is_incorrect_with_that_detail_and_the_next_is_graded() -> None:
    started = time.monotonic()
    graded = grade(f"\\boxed{{{ENDLESS}}}", "6", MATH)
    assert (graded.strict.outcome, graded.strict.detail) == (Outcome.INCORRECT, "timed_out")
    assert (graded.lenient.outcome, graded.lenient.detail) == (Outcome.INCORRECT, "timed_out")
    assert grade("\\boxed{x+x}", "2x", MATH).strict.is_correct
    assert time.monotonic() - started < 60


def test_a_gold_formula_that_takes_for_ever_is_our_fault() -> None:
    graded = grade("\\boxed{6x}", ENDLESS, MATH)
    assert (graded.strict.outcome, graded.lenient.detail) == (Outcome.UNSCORED, "gold_too_hard")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("\\boxed{" + "1+" * 300 + "x}", "too_long"),
        ("\\boxed{" + "{" * 30 + "x" + "}" * 30 + "}", "too_deep"),
        ("The answer is x}.", "not_math"),
        ("so " + "$" * 9999, "too_long"),
        ("\\boxed{\\frac{}{}}", "different"),
        ("\\boxed{" + "9" * 499 + "!}", "different"),
    ],
)
def test_a_formula_that_nobody_should_try_to_read_is_incorrect_and_says_why(text: str, detail: str) -> None:
    started = time.process_time()
    assert grade(text, "5x", MATH).lenient.detail == detail
    assert time.process_time() - started < 1


def test_a_megabyte_of_text_is_graded_at_once() -> None:
    started = time.process_time()
    assert not grade("x+" * 500_000, "x", MATH).lenient.is_correct
    assert time.process_time() - started < 1


def test_a_box_inside_a_formula_cannot_smuggle_a_second_answer_in() -> None:
    assert compare_math("1} \\boxed{x+2", "x+2") is Word.NOT_MATH
    assert compare_math("\\boxed{x+2}", "2+x+0") is Word.DIFFERENT


def test_a_letter_that_stands_on_both_sides_is_no_assignment() -> None:
    assert decide_math("x=x+1", "x+1") == ("x+1", "x=x+1")
    assert decide_math("y=x+1", "x+1") is Word.EQUAL


def test_a_process_that_dies_is_replaced_and_no_verdict_moves_to_another_pair(_forgetful: None) -> None:
    pairs = [("x+1", "1+x"), ("x+1", "x+2"), ("6", ENDLESS), ("2x", "x+x"), ("2x", "x+y")]
    assert compare(pairs) == [Word.EQUAL, Word.DIFFERENT, Word.TIMED_OUT, Word.EQUAL, Word.DIFFERENT]


def test_a_pair_that_kills_its_process_twice_without_a_limit_is_given_up(
    _forgetful: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[VerifierProcess] = []

    class Dying(VerifierProcess):
        def __init__(self) -> None:
            super().__init__()
            started.append(self)
            self._child.kill()

    monkeypatch.setattr(answer_verifier, "VerifierProcess", Dying)
    answer_verifier._make_places()
    assert compare([("x+1", "1+x")]) == [Word.VERIFIER_DIED]
    assert len(started) == 2
    answer_verifier._make_places()


def test_many_pairs_are_compared_in_two_processes_and_only_once(_forgetful: None) -> None:
    pairs = [(f"{i}+x", f"x+{i % 40}") for i in range(80)]
    words = compare(pairs + pairs)
    assert words == [Word.of(i == i % 40) for i in range(80)] * 2
    assert len(answer_verifier._remembered) == 80


def test_threads_and_forks_get_their_own_answers(_forgetful: None) -> None:
    pairs = [(f"{i}+x", f"x+{i % 2}") for i in range(12)]
    with ThreadPoolExecutor(6) as pool:
        words = list(pool.map(lambda pair: compare([pair])[0], pairs))
    assert words == [Word.EQUAL, Word.EQUAL] + [Word.DIFFERENT] * 10
    child = os.fork()
    if child == 0:
        os._exit(0 if compare([("7+x", "x+7")]) == [Word.EQUAL] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_grading_many_says_what_grading_one_says() -> None:
    asked = [ModelText(text, gold, kind, options) for kind, gold, options, text, *_ in CASES]
    assert grade_many(asked) == [grade(one.text, one.gold, one.answer_type) for one in asked]


def test_a_process_ends_with_the_program_that_asked_it() -> None:
    code = (
        "from core.domain import answer_verifier as v; v.compare([('x+1', '1+x')]);"
        "print(v._places.get_nowait()._child.pid)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    deadline = time.monotonic() + 20
    while os.path.exists(f"/proc/{done.stdout.strip()}") and time.monotonic() < deadline:  # noqa: PTH110
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{done.stdout.strip()}")  # noqa: PTH110


@given(FORMULAS, FORMULAS)
@settings(max_examples=150, deadline=None)
def test_formulas_are_equal_in_both_directions(a: str, b: str) -> None:
    assert same_answer(a, b, MATH) == same_answer(b, a, MATH)
    assert same_answer(a, a, MATH)


@given(st.text(max_size=40), st.text(alphabet="\\{}()[]$^_+-*/=<>!,.0123456789xyπ√ ", max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_formula_breaks_the_quick_decision_and_its_sides_do_not_matter(a: str, b: str) -> None:
    assert decide_math(a, b) == decide_math(b, a)
    assert decide_math(b, b) in (Word.EQUAL, Word.DIFFERENT, Word.NOT_MATH)


@given(st.text(alphabet="\\{}()^_+-*/=<>!,.0123456789xy ", min_size=1, max_size=25))
@settings(max_examples=60, deadline=None)
def test_no_formula_breaks_the_verifier(text: str) -> None:
    started = time.monotonic()
    assert compare_math(text, "x^2+1") in set(Word)
    assert time.monotonic() - started < 60


@given(st.text(alphabet="\\()[]$^_+-*/=<>!,.0123456789xy \"'`;:%te½²√π\n", max_size=12))
@settings(max_examples=300, deadline=None)
def test_a_gold_formula_is_equal_to_itself_in_a_box_without_asking_a_verifier(gold: str) -> None:
    if "\\" not in gold and check_answer(gold, MATH) is None:
        assert decide_math((boxes(f"\\boxed{{{gold}}}") or [""])[-1], gold) is Word.EQUAL
