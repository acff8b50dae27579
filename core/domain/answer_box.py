"""Boxes in a picture: four numbers x1, y1, x2, y2, equal when they overlap enough."""

import json
import re
from dataclasses import dataclass
from typing import Final

BOX_IOU: Final = 0.5

_NUMBER: Final = r"[-+]?(?:[0-9]{1,7}(?:\.[0-9]{1,12})?|\.[0-9]{1,12})"
_GAP: Final = r"[\s()\[\]{}<>,;]{1,12}"
_BOX: Final = re.compile(rf"(?<![\w.,-]){_NUMBER}(?:{_GAP}{_NUMBER}){{3}}(?![\w.])(?!{_GAP}[0-9])")
_LABELS: Final = re.compile(
    r"<\|?/?(?:box|box_start|box_end|bbox|ref|answer)\|?>|\"?\b(?:bbox_2d|bbox|box|x_?min|y_?min|x_?max|y_?max|x[12]|y[12])\b\"?\s?[:=]?",
    re.IGNORECASE,
)
_DRESS: Final = re.compile(r"[\s()\[\]{}<>\"'`$\\]|json")


@dataclass(frozen=True)
class Box:
    """A region by its left, top, right and bottom edge, with an area."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Width times height."""
        return (self.right - self.left) * (self.bottom - self.top)


def read_box(text: str) -> Box | None:
    """The one box that the whole text is: [x1, y1, x2, y2], (x1, y1), (x2, y2), or JSON with ``bbox_2d``."""
    bare = _LABELS.sub(" ", text[:500])
    match = _BOX.search(bare)
    if match is None or _DRESS.sub("", bare[: match.start()] + bare[match.end() :]).strip(".,;"):
        return None
    return _box(match.group())


def box_in_prose(text: str) -> str | None:
    """The last box in a text, written [x1, y1, x2, y2]."""
    found = [box for match in _BOX.finditer(_LABELS.sub(" ", text)) if (box := _box(match.group()))]
    return shown_box(found[-1]) if found else None


def shown_box(box: Box) -> str:
    """The one way to write a box."""
    return json.dumps([int(edge) if edge == int(edge) else edge for edge in (box.left, box.top, box.right, box.bottom)])


def same_box(a: Box, b: Box) -> bool:
    """Whether the intersection is at least ``BOX_IOU`` of the union."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    shared = max(0.0, width) * max(0.0, height)
    return shared >= BOX_IOU * (a.area + b.area - shared)


def _box(text: str) -> Box | None:
    x1, y1, x2, y2 = map(float, re.findall(_NUMBER, text))
    box = Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    return box if box.area > 0 else None
