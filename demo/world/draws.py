"""Random scenes: one function a kind, each the same for the same ``Random``."""

from random import Random

from demo.world.drawing import OUTLINES, PIXELS
from demo.world.palette import COLOURS, WHEEL, Rgb
from demo.world.scenes import (
    Ball,
    Balls,
    Bar,
    Bars,
    Clock,
    Display,
    Ground,
    Page,
    Paint,
    Pair,
    Shape,
    Sum,
)

LETTERS = "ACEHKLOPSTUX"
MAX_BALLS, MAX_VALUE, NUM_BARS = 9, 8, 4
MARKED_STYLE = 0.7
HOUSE_MARGIN = 13
SATURATED = (*WHEEL, "black")


def _tone(rng: Random, low: int, high: int) -> Rgb:
    return rng.randint(low, high), rng.randint(low, high), rng.randint(low, high)


def _ground(rng: Random, low: int, high: int) -> Ground:
    split, upright = rng.randint(0, PIXELS), rng.random() < 0.5
    return Ground(
        first=_tone(rng, low, high),
        second=_tone(rng, low, high),
        split=split,
        upright=upright,
    )


def paint(rng: Random) -> Paint:
    """A canvas and a blob of two different colours; the canvas shows on every side of the blob."""
    colour, canvas = rng.sample(list(COLOURS), 2)
    width, height = rng.randint(18, 36), rng.randint(18, 36)
    x, y = rng.randint(width // 2 + 12, 72 - width // 2), rng.randint(height // 2 + 12, 72 - height // 2)
    before, after = (x - width // 2, y - height // 2), (x + width // 2, y + height // 2)
    edges = (
        rng.randint(2, before[0] - 7),
        rng.randint(2, before[1] - 7),
        rng.randint(after[0] + 7, PIXELS - 2),
        rng.randint(after[1] + 7, PIXELS - 2),
    )
    return Paint(
        ground=_ground(rng, 130, 240),
        colour=colour,
        canvas=canvas,
        edges=edges,
        form=rng.choice(("ellipse", "box")),
        x=x,
        y=y,
        width=width,
        height=height,
    )


def shape(rng: Random) -> Shape:
    """One of six shapes in any colour but white."""
    radius = rng.randint(18, 32)
    return Shape(
        ground=_ground(rng, 195, 250),
        shape=rng.choice(list(OUTLINES)),
        colour=rng.choice(SATURATED),
        outlined=rng.random() < MARKED_STYLE,
        x=rng.randint(radius + 6, PIXELS - radius - 6),
        y=rng.randint(radius + 6, PIXELS - radius - 6),
        radius=radius,
        turn=rng.randint(-15, 15),
    )


def _place(rng: Random, taken: list[Ball], colour: str) -> Ball | None:
    for _ in range(60):
        radius = rng.randint(6, 8)
        x, y = (
            rng.randint(radius + 2, PIXELS - radius - 2),
            rng.randint(radius + 2, PIXELS - radius - 2),
        )
        if all((x - b.x) ** 2 + (y - b.y) ** 2 >= (radius + b.radius + 3) ** 2 for b in taken):
            return Ball(x=x, y=y, radius=radius, colour=colour)
    return None


def _scatter(rng: Random, colours: list[str]) -> tuple[Ball, ...]:
    while True:
        taken: list[Ball] = []
        for colour in colours:
            ball = _place(rng, taken, colour)
            if ball:
                taken.append(ball)
        if len(taken) == len(colours):
            return tuple(taken)


def balls(rng: Random) -> Balls:
    """One to nine balls of one or two colours."""
    total = rng.randint(1, MAX_BALLS)
    first, second = rng.sample(SATURATED, 2)
    colours = [rng.choice((first, second)) for _ in range(total)]
    return Balls(
        ground=_ground(rng, 195, 245),
        balls=_scatter(rng, colours),
        hollow=rng.random() < MARKED_STYLE,
    )


def two_coloured_balls(rng: Random) -> Balls:
    """At least one ball of each of two colours; the rarer answers are as frequent as the others."""
    asked = rng.randint(1, 6)
    other = rng.randint(1, MAX_BALLS - asked)
    first, second = rng.sample(SATURATED, 2)
    colours = [first] * asked + [second] * other
    rng.shuffle(colours)
    return Balls(
        ground=_ground(rng, 195, 245),
        balls=_scatter(rng, colours),
        hollow=rng.random() < MARKED_STYLE,
    )


def pair(rng: Random) -> Pair:
    """A house and a mark whose distance along one axis is more than twice that along the other."""
    far, near = rng.randint(26, 50), rng.randint(-10, 10)
    dx, dy = rng.choice(((far, near), (-far, near), (near, far), (near, -far)))
    low, high = HOUSE_MARGIN, PIXELS - HOUSE_MARGIN
    x = rng.randint(low + max(0, -dx), high - max(0, dx))
    y = rng.randint(low + max(0, -dy), high - max(0, dy))
    ends = [rng.randint(0, PIXELS) for _ in range(4)]
    return Pair(
        ground=_ground(rng, 200, 245),
        house=(x, y),
        mark=Ball(x=x + dx, y=y + dy, radius=rng.randint(6, 8), colour=rng.choice(WHEEL)),
        roads=((0, ends[0], PIXELS, ends[1]), (ends[2], 0, ends[3], PIXELS)),
        ringed=rng.random() < MARKED_STYLE,
    )


def display(rng: Random) -> Display:
    """A number from 10 to 999, as often of two digits as of three."""
    number = rng.randint(10, 99) if rng.random() < 0.5 else rng.randint(100, 999)
    size = rng.randint(32, 40)
    bright = rng.choice(
        (
            (90, 255, 120),
            (120, 230, 255),
            (255, 230, 90),
            (255, 255, 255),
            (255, 150, 130),
        )
    )
    return Display(
        ground=_ground(rng, 0, 45),
        number=number,
        ink=bright,
        x=PIXELS // 2 + rng.randint(-5, 5),
        y=rng.randint(24, 60),
        size=size,
        weight=rng.randint(0, 2),
        pulse=tuple(rng.randint(4, 80) for _ in range(8)),
    )


def page(rng: Random) -> Page:
    """Three different letters out of twelve, in dark ink on pale paper."""
    y = rng.randint(26, 58)
    rows = [row for row in range(6, PIXELS - 4, 6) if abs(row - y) > 20]
    lines = tuple((row, rng.randint(4, 20), rng.randint(50, 80)) for row in rows if rng.random() < 0.8)
    return Page(
        ground=_ground(rng, 215, 255),
        word="".join(rng.sample(LETTERS, 3)),
        ink=_tone(rng, 0, 90),
        x=PIXELS // 2 + rng.randint(-4, 4),
        y=y,
        size=rng.randint(28, 34),
        weight=rng.randint(0, 2),
        lines=lines,
    )


def bars(rng: Random) -> Bars:
    """Four bars of different colours and different values from 1 to 8."""
    colours = rng.sample(SATURATED, NUM_BARS)
    values = rng.sample(range(1, MAX_VALUE + 1), NUM_BARS)
    return Bars(
        ground=_ground(rng, 205, 250),
        bars=tuple(Bar(colour=c, value=v) for c, v in zip(colours, values, strict=True)),
        x=rng.randint(4, 10),
        y=rng.randint(76, 81),
        width=rng.randint(11, 14),
        gap=rng.randint(2, 4),
        unit=rng.randint(7, 9),
    )


def clock(rng: Random) -> Clock:
    """A full hour from 1 to 12 on a pale face."""
    radius = rng.randint(20, 34)
    return Clock(
        ground=_ground(rng, 40, 200),
        hour=rng.randint(1, 12),
        x=rng.randint(radius + 4, PIXELS - radius - 4),
        y=rng.randint(radius + 4, PIXELS - radius - 4),
        radius=radius,
        face=_tone(rng, 220, 255),
        hands=_tone(rng, 0, 110),
        weight=rng.randint(3, 5),
        round_face=rng.random() < MARKED_STYLE,
    )


def digits(rng: Random) -> Sum:
    """Two digits to add, in dark ink."""
    return Sum(
        ground=_ground(rng, 180, 255),
        left=rng.randint(0, 9),
        right=rng.randint(0, 9),
        ink=_tone(rng, 0, 110),
        x=PIXELS // 2 + rng.randint(-7, 7),
        y=rng.randint(18, 66),
        size=rng.randint(26, 36),
        weight=rng.randint(0, 2),
        boxed=rng.random() < MARKED_STYLE,
    )
