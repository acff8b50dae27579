"""Whether one more call fits, how much it may take at most, and how that is said."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.budget import Caps, Shortfall, Spend, amount_text, fits, money_up, patches, prompt_bound

AMOUNTS = st.builds(
    Spend,
    st.decimals(0, 10**6, places=6),
    st.integers(0, 10**9),
    st.integers(0, 10**6),
    st.floats(0, 10**6),
)


def test_without_caps_everything_fits():
    assert fits(Caps(), Spend(Decimal(9), 9, 9, 9), Spend(), Spend(Decimal(9), 9, 9, 9)) is None


def test_what_calls_in_flight_hold_counts_as_if_they_took_all_of_it():
    spent, reserved = Spend(tokens=60), Spend(tokens=30)
    assert fits(Caps(tokens=100), spent, reserved, Spend(tokens=10)) is None
    short = fits(Caps(tokens=100), spent, reserved, Spend(tokens=11))
    assert short == Shortfall("tokens", 100, 60, 30, 11)
    assert short.may_settle and short.over == 1


def test_a_call_that_would_not_fit_alone_is_not_helped_by_waiting():
    short = fits(Caps(money=Decimal("1.00")), Spend(Decimal("0.90")), Spend(), Spend(Decimal("0.11")))
    assert short is not None and not short.may_settle


def test_of_several_caps_the_one_that_waiting_does_not_help_is_named():
    caps = Caps(tokens=100, calls=5)
    short = fits(caps, Spend(tokens=50, calls=5), Spend(tokens=50), Spend(tokens=10, calls=1))
    assert short is not None and short.kind == "calls"


def test_a_cap_of_nothing_lets_nothing_go():
    assert fits(Caps(calls=0), Spend(), Spend(), Spend(calls=1)) is not None


@given(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)
def test_whatever_fits_stays_below_every_cap(caps, spent, reserved, wanted):
    short = fits(Caps(caps.money, caps.tokens, caps.calls, caps.seconds), spent, reserved, wanted)
    worst = spent + reserved + wanted
    crossed = [
        kind for kind in ("money", "tokens", "calls")
        if getattr(worst, kind) > getattr(caps, kind)
    ]  # fmt: skip
    assert (short is not None) >= bool(crossed)
    if short is None:
        assert worst.seconds <= caps.seconds * (1 + 1e-9) + 1e-9


def test_the_sentence_names_the_cap_what_is_spent_what_is_held_and_what_the_next_call_may_take():
    short = Shortfall("money", Decimal("10"), Decimal("9.5"), Decimal("0.25"), Decimal("0.4"))
    assert short.sentence("the campaign") == (
        "The cap of 10.00 money on the campaign is reached: 9.50 money spent,"
        " 0.250000 money reserved for calls in flight, and the next call may take 0.400000 money."
    )
    assert "reserved" not in replace(short, reserved=Decimal(0)).sentence("x")


@pytest.mark.parametrize(
    ("kind", "amount", "text"),
    [
        ("tokens", 12345, "12,345 tokens"),
        ("calls", 1, "1 call"),
        ("seconds", 20, "20 seconds"),
        ("seconds", 5400, "1.50 hours"),
        ("money", Decimal(0), "0.00 money"),
    ],
)
def test_amounts_have_units(kind, amount, text):
    assert amount_text(kind, amount) == text


def test_a_prompt_has_no_more_tokens_than_bytes_and_patches_and_marks():
    assert prompt_bound(100, []) == 100 + 128
    assert prompt_bound(100, [(28, 14), (1, 1)]) == 100 + 3 + 2 + 4 * 64
    assert prompt_bound(0, [(1024, 1024)], picture_tokens=25_501) == 25_501 + 3 * 64


def test_the_bound_of_a_picture_is_above_what_common_models_count():
    sizes = [(w, h) for w in (84, 256, 512, 1024, 2048, 3000) for h in (84, 256, 512, 1024, 2048, 3000)]
    for width, height in sizes:
        bound = prompt_bound(0, [(width, height)])
        assert bound >= -(-width // 28) * -(-height // 28) + 2, "Qwen2.5-VL"
        assert bound >= width * height / 750, "Claude"
    assert patches(336, 336) >= 576, "LLaVA-1.5"


def test_sums_never_say_less_than_was_paid():
    assert money_up(Decimal("0.0000001")) == Decimal("0.000001")
    assert money_up(Decimal("0.25")) == Decimal("0.25")
