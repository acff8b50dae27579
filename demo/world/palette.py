"""The named colours of the mini world, in the order of the colour wheel."""

Rgb = tuple[int, int, int]

COLOURS: dict[str, Rgb] = {
    "red": (220, 30, 30),
    "orange": (255, 140, 0),
    "yellow": (250, 220, 0),
    "green": (20, 150, 50),
    "blue": (30, 70, 225),
    "purple": (150, 40, 170),
    "black": (10, 10, 10),
    "white": (255, 255, 255),
}
WHEEL = ("red", "orange", "yellow", "green", "blue", "purple")


def next_colour(name: str) -> str:
    """The neighbour of a colour in the palette's order; the last one's neighbour is the first."""
    names = list(COLOURS)
    return names[(names.index(name) + 1) % len(names)]
