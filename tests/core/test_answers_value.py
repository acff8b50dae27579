"""Simple formulas have the value that sympy gives them, or none."""

import logging
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.domain.answer_value import are_far_apart, differ, value
from core.domain.answer_verifier_child import read
from core.domain.answer_verifier_child import value as value_by_sympy

logging.getLogger("math_verify").setLevel(logging.ERROR)
MIXED = re.compile(r"[0-9)]\(\(*[0-9.]+\)")  # latex2sympy reads 2(3) as two and three
ATOMS = st.sampled_from(["2", "3", "0.5", "12", "x", "y", "\\pi ", "e"])


def formulas(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(parts, parts)
    return st.one_of(
        pairs.map("+".join),
        pairs.map("-".join),
        pairs.map(lambda p: f"({p[0]}+x)({p[1]}-y)"),
        pairs.map(lambda p: f"\\frac{{{p[0]}}}{{{p[1]}}}"),
        pairs.map(lambda p: f"{p[0]} \\cdot ({p[1]})"),
        parts.map(lambda p: f"\\sqrt{{{p}}}"),
        parts.map(lambda p: f"({p})^2"),
        parts.map(lambda p: f"-{p}"),
        pairs.map(lambda p: f"2{p[0]}" if p[0][0] not in "0123456789" else f"({p[0]})/{p[1]}"),
    )


@given(st.recursive(ATOMS, formulas, max_leaves=6))
@settings(max_examples=80, deadline=None)
def test_a_formula_has_the_value_that_sympy_gives_it_or_none(form: str) -> None:
    assume(not MIXED.search(form))
    ours, found = value(form), read(form)
    if ours is not None and found:
        theirs = value_by_sympy(found[0])
        assert theirs is None or not differ(ours, theirs), (form, ours, theirs, found)


@pytest.mark.parametrize(
    "form",
    [
        "1/2x",
        "x^10",
        "f(x)",
        "2\\frac{1}{2}",
        "x2",
        "\\sin x",
        "5!",
        "50%",
        "i",
        "\\frac12",
        "1,2",
        "x>5",
        "",
        "()",
        "(1",
        "1)",
        "--1",
    ],
)
def test_what_can_be_read_in_two_ways_has_no_value(form: str) -> None:
    assert value(form) is None


@pytest.mark.parametrize("form", ["1/0", "9^{9^{9}}", "\\sqrt{-1}", "(0-1)^{0.5}", "2^{2^{2^{2^{2^{2}}}}}"])
def test_what_has_no_finite_real_value_has_none(form: str) -> None:
    assert value(form) is None


def test_only_what_is_far_apart_differs_for_certain() -> None:
    assert are_far_apart("x+1", "x+2")
    assert are_far_apart("2\\sqrt{2}", "2.8")
    assert not are_far_apart("2\\sqrt{2}", "\\sqrt{8}")
    assert not are_far_apart("x+1", "\\sin x")
    assert not are_far_apart("0.3333333", "\\frac{1}{3}")
