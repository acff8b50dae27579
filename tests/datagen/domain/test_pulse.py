"""Calls a second and how long they take, from seconds of a ledger."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from datagen.domain.pulse import BUCKET_S, NUM_BUCKETS, Second, buckets_of, latency_of, rate_of

NOW = datetime(2026, 5, 4, 12, 0, 7, tzinfo=UTC)


def ended(seconds_ago: float, calls: int = 1, *, is_ok: bool = True, endpoint: int = 1) -> Second:
    at = (NOW - timedelta(seconds=seconds_ago)).replace(microsecond=0)
    return Second(at, endpoint, is_ok, calls)


def test_every_call_of_the_window_is_in_one_bucket_and_empty_ones_are_told():
    seconds = [ended(0, 3), ended(8, 2), ended(8, 1, is_ok=False), ended(297)]
    buckets = buckets_of(seconds, NOW)
    assert len(buckets) == NUM_BUCKETS and buckets[-1].start == NOW.replace(second=0)
    assert [(one.ok, one.errors) for one in (buckets[-1], buckets[-2], buckets[0])] == [(3, 0), (2, 1), (1, 0)]
    assert sum(one.ok + one.errors for one in buckets) == 7 and buckets[-2].rate == 3 / BUCKET_S


def test_buckets_do_not_move_while_one_watches():
    first, second = (buckets_of([], NOW + timedelta(seconds=s)) for s in (0, 2.9))
    assert [one.start for one in first] == [one.start for one in second]
    assert buckets_of([], NOW + timedelta(seconds=3))[-2].start == first[-1].start


def test_the_rate_is_of_the_last_minute_only():
    assert rate_of([ended(0, 30), ended(59, 30), ended(61, 1000)], NOW) == 1.0
    assert rate_of([], NOW) == 0.0


def test_latency_is_the_median_and_the_time_that_95_of_100_keep():
    latency = latency_of([*range(1, 100), 5000])
    assert latency is not None and (latency.num, latency.median_ms, latency.p95_ms) == (100, 50.5, 95)
    one = latency_of([7])
    assert one is not None and (one.median_ms, one.p95_ms) == (7, 7)
    assert latency_of([]) is None


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=200))
def test_at_least_95_of_100_calls_kept_the_p95(times):
    latency = latency_of(times)
    assert latency is not None and latency.p95_ms in times
    assert sum(one <= latency.p95_ms for one in times) >= 0.95 * len(times)
    assert sum(one < latency.p95_ms for one in times) < 0.95 * len(times)
