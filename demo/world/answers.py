"""What is true of a scene: the gold answers, read off the description. ``target`` is what a question asks about."""

from demo.world.scenes import Balls, Bars, Clock, Display, Page, Paint, Pair, Shape, Sum

OPPOSITES = {"left": "right", "right": "left", "above": "below", "below": "above"}
Target = tuple[str, ...]


def colour(scene: Paint, target: Target) -> str:
    """The blob's colour."""
    return scene.colour


def shape(scene: Shape, target: Target) -> str:
    """The shape's name."""
    return scene.shape


def count(scene: Balls, target: Target) -> str:
    """How many balls there are."""
    return str(len(scene.balls))


def count_colour(scene: Balls, target: Target) -> str:
    """How many balls have the target's colour."""
    return str(sum(ball.colour == target[0] for ball in scene.balls))


def relation(scene: Pair, target: Target) -> str:
    """Where the mark lies, seen from the house."""
    dx, dy = scene.mark.x - scene.house[0], scene.mark.y - scene.house[1]
    if abs(dx) > abs(dy):
        return "right" if dx > 0 else "left"
    return "below" if dy > 0 else "above"


def number(scene: Display, target: Target) -> str:
    """The number on the monitor."""
    return str(scene.number)


def word(scene: Page, target: Target) -> str:
    """The word on the page, in capitals."""
    return scene.word


def tallest(scene: Bars, target: Target) -> str:
    """The colour of the highest bar."""
    return max(scene.bars, key=lambda bar: bar.value).colour


def bar_value(scene: Bars, target: Target) -> str:
    """The height of the bar of the target's colour, in units."""
    return str(next(bar.value for bar in scene.bars if bar.colour == target[0]))


def clock(scene: Clock, target: Target) -> str:
    """The hour, 1 to 12."""
    return str(scene.hour)


def total(scene: Sum, target: Target) -> str:
    """The sum of the two digits."""
    return str(scene.left + scene.right)
