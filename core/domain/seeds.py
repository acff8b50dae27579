"""Seeds made of what a random choice is for, never of a clock, a primary key or an order of arrival."""

import hashlib
import json


def seed_of(*parts: str | int) -> int:
    """A seed in [0, 2**63) from its parts, such as ``seed_of(campaign_seed, slot, try_number, "writer")``.

    The same on every machine and in every version of Python; ``"1"`` and ``1`` are different parts.
    """
    digest = hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).digest()
    return int.from_bytes(digest[:8]) >> 1
