"""What a server bears is found by what it refuses; all by a clock that is given."""

import math
from datetime import UTC, datetime
from random import Random

import pytest

from core.domain.level import Level
from core.domain.pace import FAILURES, REST_S, SHORTEST_S, Outcome, Pace, backoff_s
from core.domain.retry_after import retry_after_s

NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def make_pace(ceiling: int = 256) -> Pace:
    pace = Pace()
    pace.limit.ceiling = ceiling
    return pace


def go(pace: Pace, at: float, *outcomes: Outcome, retry_after_s: float | None = None) -> None:
    """Tries that go together at ``at`` and end a moment later."""
    tries = [pace.begin(at) for _ in outcomes]
    for one, outcome in zip(tries, outcomes, strict=True):
        pace.end(one, at + 0.01, outcome, retry_after_s)


def test_a_server_that_refuses_nothing_gets_as_many_calls_at_once_as_the_ceiling_from_the_first():
    pace = make_pace(256)
    for _ in range(256):
        assert pace.wait_s(0.0) == 0
        pace.begin(0.0)
    assert pace.wait_s(0.0) == math.inf and pace.rate.per_s is None


def test_a_ceiling_moves_while_calls_are_under_way():
    pace = make_pace(2)
    pace.begin(0.0), pace.begin(0.0)
    pace.limit.ceiling = 3
    assert pace.wait_s(0.0) == 0
    pace.limit.ceiling = 1
    assert pace.wait_s(0.0) == math.inf


def test_an_overloaded_server_gets_half_once_for_all_calls_that_went_together():
    pace = make_pace(64)
    go(pace, 0.0, *[Outcome.CROWDED] * 7)
    assert pace.limit.value == 32
    go(pace, 5.0, Outcome.ANSWERED, Outcome.CROWDED)
    assert pace.limit.value == 16


def test_the_limit_comes_back_to_where_it_was_in_two_rounds_of_full_use_and_then_looks_further():
    pace = make_pace(1000)
    pace.limit.ceiling = 64
    go(pace, 0.0, Outcome.CROWDED)
    pace.limit.ceiling = 1000
    seen = []
    for at in range(1, 7):
        go(pace, at, *[Outcome.ANSWERED] * pace.limit.value)
        seen.append(pace.limit.value)
    assert 55 < seen[1] <= 64 and seen == sorted(seen) and seen[-1] > 150


def test_a_limit_that_is_not_used_to_the_full_stays():
    pace = make_pace(64)
    go(pace, 0.0, Outcome.CROWDED)
    for at in range(1, 100):
        go(pace, at, Outcome.ANSWERED)
    assert pace.limit.value == 32


def test_the_limit_never_falls_below_one():
    pace = make_pace(4)
    for at in range(7):
        go(pace, at, Outcome.CROWDED)
    assert pace.limit.value == 1


def test_too_many_requests_set_a_rate_and_leave_the_calls_at_once_alone():
    pace = make_pace(64)
    go(pace, 0.0, *[Outcome.ANSWERED] * 10, Outcome.REFUSED)
    assert pace.limit.value == 64 and pace.rate.per_s is not None and pace.num_refused == 1
    assert pace.wait_s(0.02) == pytest.approx(REST_S - 0.01), "a moment in which the server's bucket fills"
    pace.begin(0.3)
    assert pace.wait_s(0.3) == pytest.approx(1 / pace.rate.per_s)


def test_an_unused_turn_costs_neither_rate_nor_room():
    pace = make_pace(64)
    go(pace, 0.0, Outcome.REFUSED)
    one = pace.begin(1.0)
    pace.end(one, 1.0, Outcome.UNUSED)
    assert pace.wait_s(1.0) == 0 and pace.in_flight == 0


def test_refusals_of_tries_that_went_together_set_the_rate_to_what_was_accepted_of_them():
    pace = make_pace(64)
    go(pace, 0.0, *[Outcome.REFUSED] * 54, *[Outcome.ANSWERED] * 10)
    go(pace, 1.0, Outcome.ANSWERED)
    assert pace.rate.per_s is not None and pace.rate.per_s < 64 / SHORTEST_S / 3


def test_a_rate_that_is_refused_again_at_the_same_height_drops_less_and_rests_longer():
    level = Level(depth=0.3, rest=2.0, most=4)
    level.drop(100.0)
    assert level.height == pytest.approx(70.0)
    level.grow(2.0)
    assert level.height == pytest.approx(100.0)
    level.drop(level.height)
    assert level.height == pytest.approx(85.0)
    level.grow(3.9)
    assert level.height < 100.0


def test_a_level_that_is_refused_again_at_once_was_dropped_too_little():
    level = Level(depth=0.3, rest=2.0, most=4, top=100.0, agreed=3, age=9.0)
    level.drop(100.0)
    assert level.agreed == 4
    level.drop(level.height)
    assert level.agreed == 3


def test_a_wall_that_is_not_met_for_twice_the_rest_is_no_longer_believed_in():
    level = Level(depth=0.3, rest=2.0, most=4, top=100.0, agreed=4)
    for _ in range(90):
        level.grow(1.0)
    assert level.height > 500


def test_a_refusal_for_good_says_nothing_about_the_load():
    pace = make_pace(64)
    go(pace, 0.0, *[Outcome.ANSWERED] * 3)
    assert pace.limit.value == 64 and pace.rate.per_s is None and pace.bad_since is None


def test_retry_after_holds_the_whole_server_back():
    pace = make_pace(64)
    go(pace, 0.0, Outcome.REFUSED, retry_after_s=7.0)
    assert pace.is_held(1.0) and 6 < pace.wait_s(1.0) <= 7
    assert not pace.is_held(7.5) and pace.wait_s(7.5) == 0


def test_the_circuit_opens_after_failures_in_a_row_and_one_success_starts_the_count_again():
    pace = make_pace(64)
    go(pace, 0.0, *[Outcome.FAILED] * (FAILURES - 1), Outcome.ANSWERED, *[Outcome.FAILED] * (FAILURES - 1))
    assert not pace.circuit.is_open
    go(pace, 1.0, Outcome.FAILED)
    assert pace.circuit.is_open and pace.wait_s(1.1) == pytest.approx(0.91)


def test_refusals_of_load_are_no_failures():
    pace = make_pace(64)
    go(pace, 0.0, *[Outcome.REFUSED] * 50)
    assert not pace.circuit.is_open and pace.num_failed == 0


def test_an_open_circuit_lets_one_probe_through_and_cools_off_twice_as_long_up_to_a_minute():
    pace = make_pace(64)
    go(pace, 0.0, *[Outcome.FAILED] * FAILURES)
    waits, at = [], 0.02
    for _ in range(8):
        wait_s = pace.wait_s(at)
        waits.append(round(wait_s))
        at += wait_s
        probe = pace.begin(at)
        assert probe.is_probe and pace.wait_s(at) == math.inf
        pace.end(probe, at, Outcome.FAILED)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_probe_that_is_answered_closes_the_circuit_and_the_next_one_starts_small_again():
    pace = make_pace(64)
    go(pace, 0.0, *[Outcome.FAILED] * FAILURES)
    go(pace, 2.0, Outcome.FAILED)
    go(pace, 5.0, Outcome.ANSWERED)
    assert pace.wait_s(5.1) == 0
    go(pace, 6.0, *[Outcome.FAILED] * FAILURES)
    assert pace.wait_s(6.01) == pytest.approx(1.0)


def test_a_probe_that_is_asked_to_be_slower_closes_the_circuit_too():
    pace = make_pace(64)
    go(pace, 0.0, *[Outcome.FAILED] * FAILURES)
    go(pace, 2.0, Outcome.REFUSED)
    assert not pace.circuit.is_open


def test_a_probe_that_told_nothing_leaves_room_for_another():
    pace = make_pace(64)
    go(pace, 0.0, *[Outcome.FAILED] * FAILURES)
    go(pace, 2.0, Outcome.UNUSED)
    assert pace.wait_s(2.1) == 0 and pace.begin(2.1).is_probe


def test_failures_of_calls_that_went_before_the_circuit_opened_prolong_nothing():
    pace = make_pace(64)
    tries = [pace.begin(0.0) for _ in range(2 * FAILURES)]
    for one in tries:
        pace.end(one, 0.5, Outcome.FAILED)
    assert pace.wait_s(0.5) == pytest.approx(1.0)


def test_a_back_off_is_anything_up_to_a_bound_that_doubles():
    random = Random(1)
    for num_tries, bound in [(1, 0.5), (2, 1.0), (5, 8.0), (7, 30.0), (5000, 30.0)]:
        drawn = [backoff_s(num_tries, random) for _ in range(300)]
        assert 0 <= min(drawn) < bound / 10 and bound * 0.9 < max(drawn) <= bound
    assert backoff_s(3, Random(5)) == backoff_s(3, Random(5))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Tue, 24 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Tue, 24 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_how_long_a_server_asks_to_be_left_alone(headers, seconds):
    assert retry_after_s(headers, NOON) == seconds
