"""Slots: every sample of a mixture has its skill, purpose and aim before any money is spent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from core.domain.seeds import seed_of
from datagen.domain.mixture import Purpose, Row, allocate

MAX_REFILLS: Final = 5


@dataclass(frozen=True)
class Band:
    """The right answers of ``of`` that a sample may draw from the current model, both ends included."""

    low: int
    high: int
    of: int = 9


BANDS: Final[Mapping[Purpose, Band]] = MappingProxyType({Purpose.TARGET: Band(3, 7), Purpose.REPLAY: Band(3, 9)})


@dataclass(frozen=True)
class SlotPlan:
    """One sample to be made. ``error_type`` and ``question_type`` are None where nothing is prescribed."""

    index: int
    skill: str
    purpose: Purpose
    question_type: str | None
    error_type: str | None
    band: Band


def plan_slots(
    rows: Sequence[Row], seed: int, question_types: Mapping[str, Sequence[str]] | None = None
) -> tuple[SlotPlan, ...]:
    """All slots of the rows, the same for the same seed, mixed so that every stretch has all skills in proportion.

    A skill's error types get slots as often as they were seen, each at least once where the quota allows;
    its ``question_types`` get equally many.
    """
    plans: list[tuple[float, int, SlotPlan]] = []
    for row in rows:
        kinds = _spread(dict.fromkeys((question_types or {}).get(row.skill, ()), 1), row.quota, seed, row.skill + "?")
        errors = _spread(dict(row.directions), row.quota, seed, row.skill)
        for i, (kind, error) in enumerate(zip(kinds, errors, strict=True)):
            place = (i + 0.5) / row.quota
            plan = SlotPlan(0, row.skill, row.purpose, kind, error, BANDS[row.purpose])
            plans.append((place, seed_of(seed, "order", row.skill, i), plan))
    ordered = [plan for *_, plan in sorted(plans, key=lambda entry: entry[:2])]
    return tuple(SlotPlan(i, p.skill, p.purpose, p.question_type, p.error_type, p.band) for i, p in enumerate(ordered))


def _spread(counts: Mapping[str, int], quota: int, seed: int, salt: str) -> list[str | None]:
    """``quota`` names in proportion to their counts, shuffled by the seed; all None without names."""
    if not counts:
        return [None] * quota
    shares = allocate(counts, quota, floor=1 if quota >= len(counts) else 0)
    names = [name for name, share in shares.items() for _ in range(share)]
    return [name for _, name in sorted((seed_of(seed, salt, i), name) for i, name in enumerate(names))]
