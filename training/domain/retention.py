"""Which checkpoints keep their files: the newest, the promoted, the pinned, and whatever a row still needs."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.files import hash_bytes


@dataclass(frozen=True)
class RetentionChoice:
    """What a person asks for: how many of the newest checkpoints stay, how many days a run that ended may still be
    resumed, and whether completions go with their child."""

    keep_newest: int = 3
    days: int = 14
    with_completions: bool = False


@dataclass(frozen=True)
class Held:
    """What is known of one checkpoint. ``is_ours``: a training run of this site wrote its files; ``needs`` say in
    words who still needs them."""

    id: int
    is_ours: bool
    has_files: bool
    is_promoted: bool
    is_pinned: bool
    needs: tuple[str, ...] = ()


def kept_because(rows: Iterable[Held], keep_newest: int) -> dict[int, str]:
    """Why each keeps its files, newest first among ``rows``; empty for one whose files may go."""
    left, reasons = keep_newest, {}
    for row in sorted(rows, key=lambda row: -row.id):
        counts = row.is_ours and row.has_files
        reasons[row.id] = reason_of(row, is_newest=counts and left > 0)
        left -= counts
    return reasons


def reason_of(row: Held, *, is_newest: bool) -> str:
    """The first reason that holds."""
    if not row.has_files:
        return "has no files here"
    if not row.is_ours:
        return "was brought in: its files are not ours to remove"
    if row.needs:
        return row.needs[0]
    if row.is_promoted:
        return "was promoted"
    if row.is_pinned:
        return "is pinned"
    return "is one of the newest" if is_newest else ""


def plan_hash(choice: RetentionChoice, going: Iterable[int], leftovers: Iterable[str]) -> str:
    """A name for exactly this plan, so that what is removed is what somebody saw."""
    return hash_bytes(f"{choice} {sorted(going)} {sorted(leftovers)}")[:32]
