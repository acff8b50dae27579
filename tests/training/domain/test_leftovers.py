"""Who may still want what a run left behind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from training.domain.leftovers import LeftRun, read_by, resumed_by

NOW = datetime(2026, 11, 24, tzinfo=UTC)
FORGOTTEN = LeftRun(
    is_live=False, is_shared=False, open_round=None, is_over=False, ended_at=NOW - timedelta(days=14, seconds=1)
)


def why(days: int = 14, **facts) -> str:
    return resumed_by(replace(FORGOTTEN, **facts), NOW, days)


def test_a_run_by_hand_may_be_resumed_for_so_many_days_after_it_ended():
    assert why() == ""
    assert why(days=15) == "ended less than 15 days ago and may be resumed"
    assert why(days=0, ended_at=NOW) == ""


def test_a_run_of_a_round_may_be_resumed_as_long_as_the_round_is_open():
    assert why(open_round=3, is_over=True) == "round 3 is open"
    assert why(is_over=True, ended_at=NOW) == "", "the round has ended"


def test_a_run_that_works_now_or_that_another_campaign_has_is_never_touched():
    assert why(is_live=True, is_over=True) == "runs, or waits for a worker"
    assert why(is_shared=True, is_over=True) == "another campaign has the same run"


def test_completions_stay_with_their_child_and_with_the_state():
    assert read_by("", is_child_kept=True) == "its child is kept"
    assert read_by("round 3 is open", is_child_kept=False) == "round 3 is open"
    assert read_by("", is_child_kept=False) == ""
