"""Which split a benchmark item belongs to: a fact of its content, the same in every import and every round."""

import math
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from core.domain.seeds import seed_of


class Split(StrEnum):
    """What an item may be used for."""

    PROBE = "probe"
    GATE = "gate"
    SEALED = "sealed"


DEFAULT_SHARES: Final = MappingProxyType({Split.PROBE: 0.4, Split.GATE: 0.4, Split.SEALED: 0.2})


def split_of(content_hash: str, shares: Mapping[Split, float] = DEFAULT_SHARES) -> Split:
    """The split of an item by the hash of its content (of its scene, where scenes are drawn).

    ``shares`` are proportions of at least 0; a split that is absent gets none. The order in which splits are
    cut is fixed, so that only a change of shares ever moves an item.
    """
    total = math.fsum(shares.values())
    if total <= 0 or min(shares.values()) < 0:
        raise ValueError("The shares of the splits must be at least 0 and not all 0.")
    point = seed_of("split", content_hash) / 2**63 * total
    used = [split for split in Split if shares.get(split, 0) > 0]
    for split in used[:-1]:
        point -= shares[split]
        if point < 0:
            return split
    return used[-1]


def part_of(content_hash: str, num_parts: int) -> int:
    """Which of ``num_parts`` equal parts an item belongs to, whatever its split: round r uses part r mod parts."""
    return seed_of("part", content_hash) % num_parts
