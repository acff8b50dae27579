"""The live page in values: bars and their lengths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datagen.domain.pulse import BUCKET_S, Bucket
from datagen.live import MixtureLive, SkillSlots, Tries
from datagen.pages import REASONS
from diagnostics.figures import across

CHART_HEIGHT = 72.0
SLOT_TONES = (("filled", "good"), ("under_way", "way"), ("given_up", "bad"))


@dataclass(frozen=True)
class Piece:
    """A stretch of a bar: where it begins, how long it is, in which tone."""

    x: str
    width: str
    tone: str


@dataclass(frozen=True)
class QuotaLine:
    """One skill's slots as one bar, whose whole length is its quota beside the largest one."""

    slots: SkillSlots
    whole: str
    pieces: Sequence[Piece]


@dataclass(frozen=True)
class FunnelLine:
    """One step of the funnel, or one reason; ``status`` and ``reason`` name the samples behind it."""

    name: str
    number: int
    width: str
    tone: str
    note: str = ""
    status: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Column:
    """One bucket of calls: answered ones with those that failed on top of them."""

    bucket: Bucket
    x: str
    width: str
    ok_y: float
    ok_height: float
    error_y: float
    error_height: float


def live_context(live: MixtureLive) -> dict[str, Any]:
    """What the page draws."""
    quota = sum(one.quota for one in live.skills)
    return {
        "live": live,
        "quota": quota,
        "filled": sum(one.filled for one in live.skills),
        "given_up": sum(one.given_up for one in live.skills),
        "lines": quota_lines(live.skills),
        "funnel": funnel_lines(quota, live.tries),
        "rejected": reason_lines(live.tries.rejected, "rejected", "plain"),
        "held": reason_lines(live.tries.held, "held", "open"),
        "columns": columns_of(live.pulse.buckets),
        "peak": max((one.rate for one in live.pulse.buckets), default=0.0),
        "bucket_s": BUCKET_S,
        "round_number": live.job.spec.get("round_number") if live.job else None,
    }


def quota_lines(skills: Sequence[SkillSlots]) -> list[QuotaLine]:
    """Every skill's bar."""
    most = max((one.quota for one in skills), default=0) or 1
    return [QuotaLine(one, across(one.quota, 0, most), pieces_of(one, most)) for one in skills]


def pieces_of(slots: SkillSlots, most: int) -> list[Piece]:
    """What is filled, under way, given up; the rest of the bar is open and waits for its next try."""
    pieces, start = [], 0
    for name, tone in SLOT_TONES:
        number = getattr(slots, name)
        if number:
            pieces.append(Piece(across(start, 0, most), across(number, 0, most), tone))
        start += number
    return pieces


def funnel_lines(quota: int, tries: Tries) -> list[FunnelLine]:
    """From the slots to the accepted samples, every bar on one scale."""
    total, accepted = tries.statuses.total(), tries.statuses["accepted"]
    rows = [
        ("Slots", quota, "plain", "", "one for each sample that is wanted"),
        ("Tries", total, "plain", "", f"{total / quota:.2f} a slot so far" if quota else ""),
        ("Passed quality control", tries.passed, "busy", "", share_text(tries.passed, total, "tries")),
        ("Accepted", accepted, "good", "accepted", share_text(accepted, tries.passed, "those")),
    ]
    most = max(number for _, number, *_ in rows) or 1
    return [FunnelLine(name, n, across(n, 0, most), tone, note, status) for name, n, tone, status, note in rows]


def share_text(part: int, whole: int, of: str) -> str:
    """A share in words; empty where there is nothing to share."""
    return f"{100 * part / whole:.0f}% of {of}" if whole else ""


def reason_lines(counts: Mapping[str, int], status: str, tone: str) -> list[FunnelLine]:
    """Why tries came to nothing, most frequent first, each with its sentence."""
    rows = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    most = max(counts.values(), default=0) or 1
    return [
        FunnelLine(reason, number, across(number, 0, most), tone, REASONS.get(reason, ""), status, reason)
        for reason, number in rows
    ]


def columns_of(buckets: Sequence[Bucket]) -> list[Column]:
    """The buckets as columns, the highest as high as the chart."""
    most = max((one.ok + one.errors for one in buckets), default=0) or 1
    number, columns = len(buckets), []
    for place, one in enumerate(buckets):
        ok, errors = CHART_HEIGHT * one.ok / most, CHART_HEIGHT * one.errors / most
        x, width = across(place, 0, number), across(0.8, 0, number)
        columns.append(Column(one, x, width, CHART_HEIGHT - ok, ok, CHART_HEIGHT - ok - errors, errors))
    return columns
