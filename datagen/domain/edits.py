"""A mixture as a person changes it: shares that keep their sum, and quotas that the policy's own rule allocates."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from datagen.domain.mixture import Proposal, Purpose, Row, allocate

EDITED: Final = "Edited by "
WEIGHT_DIGITS: Final = 9


@dataclass(frozen=True)
class MixtureEdit:
    """What a person wants: shares in samples (or in any other unit), other purposes, and skills that must not give way.

    Skills that are not named keep their purpose and give way in proportion.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    purposes: Mapping[str, Purpose] = field(default_factory=dict)
    locked: Collection[str] = ()


@dataclass(frozen=True)
class Change:
    """What differs from the policy's proposal in one skill."""

    skill: str
    quota: tuple[int, int]
    purpose: tuple[Purpose, Purpose]

    def __str__(self) -> str:
        before, after = self.quota
        words = [f"{before:,} \N{RIGHTWARDS ARROW} {after:,}"] if before != after else []
        words += [f"{self.purpose[1]} instead of {self.purpose[0]}"] if self.purpose[0] != self.purpose[1] else []
        return f"{self.skill} {', '.join(words)}"


def reweigh(
    shares: Mapping[str, float], wanted: Mapping[str, float], *, locked: Collection[str] = ()
) -> dict[str, float]:
    """The shares with ``wanted`` among them and with the same sum: the others give way in proportion.

    Who is locked stays whatever is wanted. What is wanted beyond the room that is left is cut in proportion; where
    nobody is left to take the rest, the wanted ones take it. Others that are all 0 share equally.
    """
    fixed = {skill: share for skill, share in shares.items() if skill in locked}
    moved = {skill: wanted[skill] for skill in shares if skill in wanted and skill not in locked}
    others = {skill: share for skill, share in shares.items() if skill not in fixed and skill not in moved}
    room = max(0.0, math.fsum(shares.values()) - math.fsum(fixed.values()))
    taken = min(room, math.fsum(moved.values())) if others else room
    found = fixed | scaled(moved, taken) | scaled(others, room - taken)
    return {skill: found[skill] for skill in shares}


def regroup(
    shares: Mapping[str, float], group: Collection[str], wanted: float, *, locked: Collection[str] = ()
) -> dict[str, float]:
    """The shares with ``wanted`` for the whole group: its members move in proportion, and so do all others."""
    held = math.fsum(shares[skill] for skill in group if skill in locked)
    free = {skill: shares[skill] for skill in shares if skill in group and skill not in locked}
    return reweigh(shares, scaled(free, max(0.0, wanted - held)), locked=locked)


def scaled(shares: Mapping[str, float], whole: float) -> dict[str, float]:
    """The shares in their proportion with another sum; equal ones when all are 0."""
    before = math.fsum(shares.values())
    if not before:
        return {skill: whole / len(shares) for skill in shares}
    return {skill: share / before * whole for skill, share in shares.items()}


def edited(original: Proposal, current: Sequence[Row], edit: MixtureEdit, who: str) -> Proposal:
    """The proposal as a person changed it from ``current``, with a note that says what differs from ``original``.

    Back at the original's numbers it is the original again, to the last digit of its hash.
    """
    shares = reweigh({row.skill: float(row.quota) for row in current}, edit.shares, locked=edit.locked)
    weights = {skill: round(share, WEIGHT_DIGITS) for skill, share in scaled(shares, 1.0).items()}
    quotas = allocate(weights, original.total)
    purposes = {row.skill: row.purpose for row in current} | dict(edit.purposes)
    rows = tuple(edited_row(row, purposes[row.skill], weights[row.skill], quotas[row.skill]) for row in original.rows)
    found = changes(original.rows, rows)
    if not found:
        return original
    note = f"{EDITED}{who}: {'; '.join(str(change) for change in found)}."
    return replace(original, rows=rows, notes=(*original.notes, note))


def edited_row(row: Row, purpose: Purpose, weight: float, quota: int) -> Row:
    """The row with a person's numbers; what is replayed aims at nothing."""
    directions = () if purpose == Purpose.REPLAY else row.directions
    return replace(row, purpose=purpose, weight=weight, quota=quota, directions=directions)


def changes(before: Sequence[Row], after: Sequence[Row]) -> list[Change]:
    """The skills whose quota or purpose differs, in the order of the rows."""
    pairs = [(one, other) for one, other in zip(before, after, strict=True)]
    differ = [(a, b) for a, b in pairs if (a.quota, a.purpose) != (b.quota, b.purpose)]
    return [Change(a.skill, (a.quota, b.quota), (a.purpose, b.purpose)) for a, b in differ]
