"""Which part of the mini world a scene belongs to, by its hash alone: the parts can never share a scene."""

from typing import Literal

WorldSplit = Literal["probe", "gate", "sealed", "pool"]
SHARES: tuple[tuple[WorldSplit, float], ...] = (
    ("probe", 0.2),
    ("gate", 0.2),
    ("sealed", 0.2),
    ("pool", 0.4),
)
HASH_DIGITS = 8


def world_split(scene_hash: str) -> WorldSplit:
    """The split of the scene with this hash: a fifth each to probe, gate and sealed, the rest to the pool."""
    at = int(scene_hash[:HASH_DIGITS], 16) / 16**HASH_DIGITS
    for split, share in SHARES:
        if at < share:
            return split
        at -= share
    return "pool"
