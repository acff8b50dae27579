"""Which pictures may be used: gates by measure, thresholds of the selector, and how far an edit may go, by type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

DEFAULT_THRESHOLD: Final = 7.0
THRESHOLDS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "geometric": 7.5,
        "math_formula": 7.5,
        "medical": 7.0,
        "chart_graph": 7.0,
        "text_dense": 7.0,
        "diagram": 7.0,
        "map": 7.0,
        "architectural": 6.8,
        "natural_scene": 6.5,
        "everyday_object": 6.5,
        "mixed": 6.5,
        "artistic": 6.0,
    }
)
# Clean line drawings are small files and smooth: photographs' gates would keep the best of them out.
DRAWN_TYPES: Final = frozenset({"geometric", "math_formula", "chart_graph", "text_dense", "diagram", "map"})


class Freedom(StrEnum):
    """How far an edit may change a picture."""

    MINIMAL = "minimal"
    TARGETED = "targeted"
    MODERATE = "moderate"
    FLEXIBLE = "flexible"
    VERY_FLEXIBLE = "very flexible"


FREEDOMS: Final[Mapping[str, Freedom]] = MappingProxyType(
    {
        "geometric": Freedom.MINIMAL,
        "medical": Freedom.MINIMAL,
        "math_formula": Freedom.MINIMAL,
        "text_dense": Freedom.TARGETED,
        "chart_graph": Freedom.MODERATE,
        "diagram": Freedom.MODERATE,
        "map": Freedom.MODERATE,
        "architectural": Freedom.MODERATE,
        "everyday_object": Freedom.MODERATE,
        "mixed": Freedom.MODERATE,
        "natural_scene": Freedom.FLEXIBLE,
        "artistic": Freedom.VERY_FLEXIBLE,
    }
)


@dataclass(frozen=True)
class Limits:
    """What a freedom allows: the share of a side that a crop keeps at least, the largest turn in degrees, and how
    far contrast and brightness may leave 1.
    """

    min_kept: float
    max_turn: float
    max_tone: float
    allows_gray: bool = True


LIMITS: Final[Mapping[Freedom, Limits]] = MappingProxyType(
    {
        Freedom.MINIMAL: Limits(0.9, 0.0, 0.1, allows_gray=False),
        Freedom.TARGETED: Limits(0.5, 2.0, 0.2),
        Freedom.MODERATE: Limits(0.6, 10.0, 0.3),
        Freedom.FLEXIBLE: Limits(0.4, 20.0, 0.5),
        Freedom.VERY_FLEXIBLE: Limits(0.3, 180.0, 0.7),
    }
)
SCALES: Final = (0.5, 2.0)
ROUNDING: Final = 1e-9  # 1.1 - 1 is a little more than .1


@dataclass(frozen=True)
class EditStep:
    """One edit of the closed set; ``box`` is left, top, right and bottom as shares of the picture, for a crop."""

    name: str
    amount: float = 0.0
    box: tuple[float, ...] = ()


@dataclass(frozen=True)
class Gates:
    """What a picture must measure: pixels of the shorter side, bytes, and the variance of its Laplacian."""

    min_side: int
    min_bytes: int
    max_bytes: int
    min_sharpness: float


@dataclass(frozen=True)
class Scored:
    """The selector's word on one candidate."""

    score: float
    usable: bool
    reason: str = ""


def threshold_of(image_type: str) -> float:
    """The score from which a picture of this type may be used."""
    return THRESHOLDS.get(image_type, DEFAULT_THRESHOLD)


def freedom_of(image_type: str) -> Freedom:
    """How far an edit of a picture of this type may go; of an unknown type as little as possible."""
    return FREEDOMS.get(image_type, Freedom.MINIMAL)


def best_candidate(scores: Sequence[Scored], image_type: str) -> int | None:
    """The place of the highest score among those that are usable and reach the type's threshold; the first of equals.

    The threshold is ours, whatever the selector calls usable.
    """
    good = [i for i, one in enumerate(scores) if one.usable and one.score >= threshold_of(image_type)]
    return max(good, key=lambda i: scores[i].score, default=None)


def size_fault(gates: Gates, width: int, height: int, num_bytes: int) -> str:
    """Why a picture of this size is no candidate; empty when it may be one."""
    if min(width, height) < gates.min_side:
        return "too_few_pixels"
    if num_bytes < gates.min_bytes:
        return "too_few_bytes"
    return "too_many_bytes" if num_bytes > gates.max_bytes else ""


def sharpness(gray: NDArray[np.float32]) -> float:
    """The variance of the Laplacian of a gray picture: low where nothing has an edge. 0 below 3 pixels a side."""
    if min(gray.shape) < 3:
        return 0.0
    middle = gray[1:-1, 1:-1]
    around = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:]
    return float(np.var(around - 4 * middle))


def step_fault(step: EditStep, freedom: Freedom) -> str:
    """Why a step may not be taken in a picture of this freedom; empty when it may."""
    limits = LIMITS[freedom]
    if step.name == "crop":
        return crop_fault(step.box, limits)
    allowed = {
        "rotate": abs(step.amount) <= limits.max_turn,
        "resize": SCALES[0] <= step.amount <= SCALES[1],
        "grayscale": limits.allows_gray,
        "contrast": abs(step.amount - 1) <= limits.max_tone + ROUNDING,
        "brightness": abs(step.amount - 1) <= limits.max_tone + ROUNDING,
    }
    return "" if allowed.get(step.name, False) else f"{step.name} by {step.amount:g} goes beyond {freedom} edits"


def steps_allowed(freedom: Freedom) -> dict[str, str]:
    """The closed set of steps with their bounds, as an analyst is told."""
    limits = LIMITS[freedom]
    tone = f"factor from {1 - limits.max_tone:g} to {1 + limits.max_tone:g}"
    steps = {
        "crop": f"box keeps at least {limits.min_kept:g} of each side",
        "rotate": f"degrees from {-limits.max_turn:g} to {limits.max_turn:g}",
        "resize": f"factor from {SCALES[0]:g} to {SCALES[1]:g}",
        "contrast": tone,
        "brightness": tone,
    }
    return steps | ({"grayscale": "no amount"} if limits.allows_gray else {})


def crop_fault(box: tuple[float, ...], limits: Limits) -> str:
    """Why this is no crop, or keeps too little."""
    if len(box) != 4 or not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
        return "a crop needs left < right and top < bottom between 0 and 1"
    kept = min(box[2] - box[0], box[3] - box[1])
    return "" if kept >= limits.min_kept - ROUNDING else f"a crop must keep {limits.min_kept:g} of each side"
