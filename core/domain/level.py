"""A height that is found by being refused, and the way back up to it and beyond."""

import math
from dataclasses import dataclass
from typing import Final

SAME: Final = 1.33  # two heights within a third of one another are the same wall
SOON, LEAST_DROP = 0.05, 0.03


@dataclass
class Level:
    """A height that was refused: drop below it, come back to it, rest there, then look further up, faster and faster.

    The way up is TCP's CUBIC (RFC 9438). Each time that it is refused at about the same height as before it drops half
    as deep and rests twice as long, ``most`` times at most: a wall that stands still is rarely run into.
    """

    depth: float
    rest: float
    most: int
    top: float = math.inf
    agreed: int = 0
    age: float = 0.0

    @property
    def height(self) -> float:
        """As high as may be gone now; infinite as long as nothing was refused."""
        if math.isinf(self.top):
            return math.inf
        rest, depth = self.rest * 2**self.agreed, max(self.depth / 2**self.agreed, LEAST_DROP)
        return float(self.top * (1 + depth * ((self.age - rest) / rest) ** 3))

    def drop(self, reached: float) -> None:
        """Remember that ``reached`` was too high; where it was refused soon after a drop, that drop was too small."""
        is_same = self.top / SAME <= reached <= self.top * SAME
        is_soon = self.age < self.rest * 2**self.agreed * SOON
        self.agreed = min(max(self.agreed + (-1 if is_soon else 1), 0), self.most) if is_same else 0
        self.top, self.age = reached, 0.0

    def grow(self, amount: float) -> None:
        """Go on on the way up; twice its rest without a refusal shakes the belief that the wall is where it was."""
        self.age += amount
        if self.agreed and self.age > 2 * self.rest * 2**self.agreed:
            self.top, self.agreed = self.height, self.agreed // 2
            self.age = self.rest * 2**self.agreed

    def lower(self, reached: float) -> None:
        """What was dropped from was higher above the wall than it seemed."""
        if reached < self.top:
            self.top, self.agreed = reached, 0
