"""What training runs leave behind besides their child: whether anybody can still want it."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class LeftRun:
    """What is known of one training run. ``open_round`` is the number of the round that may still resume it.

    ``is_over``: it has its child, its round has ended, or a later take took its place. ``ended_at`` is when its newest
    job ended.
    """

    is_live: bool
    is_shared: bool
    open_round: int | None
    is_over: bool
    ended_at: datetime


def resumed_by(run: LeftRun, now: datetime, days: int) -> str:
    """Why the state that it would resume from stays; empty where nobody will resume it."""
    if run.is_live:
        return "runs, or waits for a worker"
    if run.is_shared:
        return "another campaign has the same run"
    if run.open_round is not None:
        return f"round {run.open_round} is open"
    if not run.is_over and now < run.ended_at + timedelta(days=days):
        return f"ended less than {days} days ago and may be resumed"
    return ""


def read_by(resumed: str, *, is_child_kept: bool) -> str:
    """Why a run's completions stay; ``resumed`` is why its state does."""
    return resumed or ("its child is kept" if is_child_kept else "")
