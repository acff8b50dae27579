"""When judges settle an answer, what stands as a quote, and how agreement is measured."""

import pytest

from core.domain.answers import Outcome
from diagnostics.domain.panel import kappa_of, label_qualities, quote_stands, settle

R, W, U = Outcome.CORRECT, Outcome.INCORRECT, Outcome.UNSCORED


@pytest.mark.parametrize(
    ("rule", "words", "settled"),
    [
        (R, [R], R),
        (R, [W], None),
        (R, [W, W], W),
        (R, [W, R], None),
        (R, [W, R, W], W),
        (R, [U], None),
        (R, [U, R], R),
        (U, [R], None),
        (U, [R, R], R),
        (R, [U, U, U], None),
        (U, [U], None),
    ],
)
def test_the_rule_never_outvotes_a_judge_and_two_judges_settle_it(rule, words, settled):
    assert settle(rule, words) == settled


def test_a_quote_must_stand_in_the_text_whatever_the_spaces():
    assert quote_stands("answer  is\nB", "So the answer is B.")
    assert not quote_stands("the answer is C", "So the answer is B.")
    assert not quote_stands("", "B") and not quote_stands(" \n", "B")
    assert quote_stands("", "  ")


def test_kappa_is_agreement_beyond_chance_and_leaves_out_what_one_side_did_not_score():
    pairs = [("correct", "correct")] * 20 + [("correct", "incorrect")] * 5
    pairs += [("incorrect", "correct")] * 10 + [("incorrect", "incorrect")] * 15
    found = kappa_of([*pairs, ("unscored", "correct"), ("correct", "unscored")])
    assert (found.n, found.agreement) == (50, 0.7)
    assert found.value == pytest.approx(0.4)
    assert found.low < 0.4 < found.high


def test_kappa_says_nothing_where_chance_explains_all():
    assert kappa_of([("correct", "correct")] * 9).value is None
    assert kappa_of([]).value is None


def test_precision_and_recall_of_a_label_come_with_intervals():
    found = {one.label: one for one in label_qualities([("map", "map")] * 6 + [("map", "diagram")] * 2)}
    assert (found["map"].precision.k, found["map"].precision.n) == (6, 8)
    assert found["map"].recall.value == 1.0
    assert found["map"].precision.interval.low < 0.75 < found["map"].precision.interval.high
    assert found["diagram"].precision.value is None and found["diagram"].recall.value == 0.0
