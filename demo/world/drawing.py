"""Painters: one small function a kind of scene, drawn at twice the size and halved, which smooths the edges."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from demo.world.palette import COLOURS, Rgb
from demo.world.scenes import (
    Balls,
    Bars,
    Clock,
    Display,
    Ground,
    Page,
    Paint,
    Pair,
    Scene,
    Shape,
    Sum,
)

PIXELS = 84
ZOOM = 2
GREY = (120, 120, 120)


def draw(scene: Scene) -> Image.Image:
    """The picture of a scene, RGB, ``PIXELS`` square."""
    big = Image.new("RGB", (PIXELS * ZOOM, PIXELS * ZOOM), scene.ground.first)
    pen = ImageDraw.Draw(big)
    _ground(pen, scene.ground)
    PAINTERS[type(scene)](pen, scene)
    return big.reduce(ZOOM)


def _scaled(*lengths: float) -> list[float]:
    return [ZOOM * length for length in lengths]


def _ground(pen: ImageDraw.ImageDraw, ground: Ground) -> None:
    edge = (ground.split, 0) if ground.upright else (0, ground.split)
    pen.rectangle(_scaled(*edge, PIXELS, PIXELS), fill=ground.second)


def _disc(
    pen: ImageDraw.ImageDraw,
    at: tuple[int, int],
    radius: float,
    colour: Rgb,
    hollow: bool,
) -> None:
    box = _scaled(at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius)
    if hollow:
        pen.ellipse(box, outline=colour, width=2 * ZOOM)
    else:
        pen.ellipse(box, fill=colour, outline=GREY, width=1)


@cache
def _font(size: int) -> Any:
    return ImageFont.load_default(size * ZOOM)


def _text(pen: ImageDraw.ImageDraw, text: str, scene: Display | Page | Sum) -> None:
    at = (scene.x * ZOOM, scene.y * ZOOM)
    pen.text(
        at,
        text,
        fill=scene.ink,
        font=_font(scene.size),
        anchor="mm",
        stroke_width=scene.weight,
    )


def _paint(pen: ImageDraw.ImageDraw, scene: Paint) -> None:
    pen.rectangle(
        _scaled(*scene.edges),
        fill=COLOURS[scene.canvas],
        outline=GREY,
        width=ZOOM,
    )
    half = (scene.width / 2, scene.height / 2)
    box = _scaled(scene.x - half[0], scene.y - half[1], scene.x + half[0], scene.y + half[1])
    (pen.ellipse if scene.form == "ellipse" else pen.rectangle)(box, fill=COLOURS[scene.colour])


Corners = list[tuple[float, float]]


def _wheel(radii: Sequence[float], start: float = -90.0) -> Corners:
    step = 2 * math.pi / len(radii)
    turn = math.radians(start)
    return [(r * math.cos(turn + i * step), r * math.sin(turn + i * step)) for i, r in enumerate(radii)]


def _heart() -> Corners:
    angles = [2 * math.pi * i / 24 for i in range(24)]
    return [
        (
            math.sin(a) ** 3,
            -(13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)) / 16,
        )
        for a in angles
    ]


_ARM = 0.34
_CROSS: Corners = [
    (-_ARM, -1),
    (_ARM, -1),
    (_ARM, -_ARM),
    (1, -_ARM),
    (1, _ARM),
    (_ARM, _ARM),
]
_CROSS += [(-x, -y) for x, y in _CROSS]
OUTLINES: dict[str, Corners] = {
    "circle": _wheel([1.0] * 40),
    "square": _wheel([1.1] * 4, -45.0),
    "triangle": _wheel([1.15] * 3),
    "star": _wheel([1.15, 0.45] * 5),
    "cross": _CROSS,
    "heart": _heart(),
}


def _shape(pen: ImageDraw.ImageDraw, scene: Shape) -> None:
    turn = math.radians(scene.turn)
    cos, sin = math.cos(turn) * scene.radius, math.sin(turn) * scene.radius
    points = [
        (ZOOM * (scene.x + x * cos - y * sin), ZOOM * (scene.y + x * sin + y * cos)) for x, y in OUTLINES[scene.shape]
    ]
    if scene.outlined:
        pen.line(
            [*points, points[0], points[1]],
            fill=COLOURS[scene.colour],
            width=3 * ZOOM,
            joint="curve",
        )
    else:
        pen.polygon(points, fill=COLOURS[scene.colour])


def _balls(pen: ImageDraw.ImageDraw, scene: Balls) -> None:
    for ball in scene.balls:
        _disc(pen, (ball.x, ball.y), ball.radius, COLOURS[ball.colour], scene.hollow)


def _pair(pen: ImageDraw.ImageDraw, scene: Pair) -> None:
    for road in scene.roads:
        pen.line(_scaled(*road), fill=(170, 170, 160), width=2 * ZOOM)
    x, y = scene.house
    pen.polygon(_scaled(x - 10, y - 2, x, y - 10, x + 10, y - 2), fill=(90, 50, 30))
    pen.rectangle(_scaled(x - 8, y - 2, x + 8, y + 8), fill=(90, 50, 30))
    mark = scene.mark
    _disc(pen, (mark.x, mark.y), mark.radius, COLOURS[mark.colour], False)
    if scene.ringed:
        _disc(pen, (mark.x, mark.y), mark.radius + 3, COLOURS["black"], True)


def _display(pen: ImageDraw.ImageDraw, scene: Display) -> None:
    step = PIXELS / (len(scene.pulse) - 1)
    line = [(ZOOM * step * i, ZOOM * y) for i, y in enumerate(scene.pulse)]
    pen.line(line, fill=(40, 70, 60), width=ZOOM)
    _text(pen, str(scene.number), scene)


def _page(pen: ImageDraw.ImageDraw, scene: Page) -> None:
    for y, left, right in scene.lines:
        pen.line(_scaled(left, y, right, y), fill=(170, 170, 170), width=ZOOM)
    _text(pen, scene.word, scene)


def _bars(pen: ImageDraw.ImageDraw, scene: Bars) -> None:
    left = scene.x
    for bar in scene.bars:
        top = scene.y - bar.value * scene.unit
        pen.rectangle(_scaled(left, top, left + scene.width, scene.y), fill=COLOURS[bar.colour])
        for unit in range(1, bar.value + 1):
            y = scene.y - unit * scene.unit
            pen.line(
                _scaled(left, y, left + scene.width, y),
                fill=(235, 235, 235),
                width=ZOOM,
            )
        left += scene.width + scene.gap
    pen.line(_scaled(scene.x - 3, scene.y, left, scene.y), fill=(60, 60, 60), width=ZOOM)


def _hand(pen: ImageDraw.ImageDraw, scene: Clock, hour: float, length: float, weight: int) -> None:
    turn = math.radians(30 * hour - 90)
    reach = scene.radius * length
    tip = (scene.x + reach * math.cos(turn), scene.y + reach * math.sin(turn))
    pen.line(_scaled(scene.x, scene.y, *tip), fill=scene.hands, width=weight * ZOOM)


def _clock(pen: ImageDraw.ImageDraw, scene: Clock) -> None:
    x, y, r = scene.x, scene.y, scene.radius
    box = _scaled(x - r, y - r, x + r, y + r)
    (pen.ellipse if scene.round_face else pen.rectangle)(box, fill=scene.face, outline=GREY, width=ZOOM)
    for tick in range(12):
        turn = math.radians(30 * tick)
        cos, sin = math.cos(turn), math.sin(turn)
        pen.line(
            _scaled(
                x + 0.82 * r * cos,
                y + 0.82 * r * sin,
                x + 0.94 * r * cos,
                y + 0.94 * r * sin,
            ),
            GREY,
            ZOOM,
        )
    _hand(pen, scene, 0, 0.85, 1)
    _hand(pen, scene, scene.hour, 0.55, scene.weight)


def _sum(pen: ImageDraw.ImageDraw, scene: Sum) -> None:
    if scene.boxed:
        pen.rectangle(_scaled(3, 8, PIXELS - 3, PIXELS - 8), outline=GREY, width=ZOOM)
    _text(pen, f"{scene.left}+{scene.right}", scene)


PAINTERS: dict[type[Scene], Callable[[ImageDraw.ImageDraw, Any], None]] = {
    Paint: _paint,
    Shape: _shape,
    Balls: _balls,
    Pair: _pair,
    Display: _display,
    Page: _page,
    Bars: _bars,
    Clock: _clock,
    Sum: _sum,
}
