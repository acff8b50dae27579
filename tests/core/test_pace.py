"""The pace of calls: one more for every round of good answers, half for every refusal, never beyond the ceiling."""

import asyncio

import pytest

from core.errors import UpstreamRefused, UpstreamUnavailable
from core.pace import Pace


def play(pace: Pace, outcomes: list[Exception | None], *, together: bool = False) -> int:
    """Take turns with these outcomes; the most that went at once."""
    busy, most = 0, 0

    async def one(outcome: Exception | None) -> None:
        nonlocal busy, most
        try:
            async with pace.turn():
                busy += 1
                most = max(most, busy)
                await asyncio.sleep(0.001)
                busy -= 1
                if outcome:
                    raise outcome
        except (UpstreamUnavailable, UpstreamRefused):
            return

    async def main() -> None:
        if together:
            await asyncio.gather(*(one(outcome) for outcome in outcomes))
        else:
            for outcome in outcomes:
                await one(outcome)

    asyncio.run(main())
    return most


def test_good_answers_widen_the_pace_by_about_one_a_round_up_to_the_ceiling():
    pace = Pace(8)
    assert pace.limit == 4
    play(pace, [None] * 4)
    assert 4.8 < pace.limit < 5.1
    assert play(pace, [None] * 200, together=True) == 8
    assert pace.limit == 8


def test_a_refusal_of_load_halves_the_pace_and_it_never_stands_still():
    pace = Pace(64)
    pace.limit = 16
    play(pace, [UpstreamUnavailable("429")])
    assert pace.limit == 8
    play(pace, [UpstreamUnavailable("429")] * 9)
    assert pace.limit == 1


def test_refusals_of_calls_that_went_together_halve_the_pace_once():
    pace = Pace(64)
    pace.limit = 16
    play(pace, [UpstreamUnavailable("429")] * 16, together=True)
    assert pace.limit == 8


def test_a_refused_question_says_nothing_about_the_load():
    pace = Pace(64)
    pace.limit = 16
    play(pace, [UpstreamRefused("not this one")])
    assert pace.limit == 16


@pytest.mark.parametrize("ceiling", [1, 2])
def test_no_more_calls_go_at_once_than_the_endpoint_allows(ceiling):
    assert play(Pace(ceiling), [None] * 20, together=True) == ceiling
