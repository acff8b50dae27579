"""What a picture of the mini world shows: a small frozen description that travels inside the PNG."""

import io
import struct
from typing import Annotated, Literal

from PIL import Image, PngImagePlugin
from pydantic import BaseModel, ConfigDict, Field, RootModel

from core.domain.files import hash_bytes
from demo.world.palette import Rgb

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
TEXT_KEY = b"scene\x00"


class Frozen(BaseModel):
    """A value that never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Ground(Frozen):
    """What lies behind everything: two flat tones that meet at ``split`` pixels, one above or beside the other."""

    first: Rgb
    second: Rgb
    split: int
    upright: bool


class Scene(Frozen):
    """Any picture; ``kind`` says which of the subclasses below holds its facts. Lengths are pixels of the picture."""

    kind: str
    ground: Ground


class Paint(Scene):
    """A blob of paint on a canvas of another colour."""

    kind: Literal["paint"] = "paint"
    colour: str
    canvas: str
    edges: tuple[int, int, int, int]
    form: Literal["ellipse", "box"]
    x: int
    y: int
    width: int
    height: int


class Shape(Scene):
    """One geometric shape, filled or drawn as an outline; ``turn`` in degrees."""

    kind: Literal["shape"] = "shape"
    shape: str
    colour: str
    outlined: bool
    x: int
    y: int
    radius: int
    turn: int


class Ball(Frozen):
    """One ball: centre, radius, colour name."""

    x: int
    y: int
    radius: int
    colour: str


class Balls(Scene):
    """Balls that do not touch; all of them ``hollow`` or none."""

    kind: Literal["balls"] = "balls"
    balls: tuple[Ball, ...]
    hollow: bool


class Pair(Scene):
    """A map with roads, a house at ``house`` and a mark that lies clearly left, right, above or below it."""

    kind: Literal["pair"] = "pair"
    house: tuple[int, int]
    mark: Ball
    roads: tuple[tuple[int, int, int, int], ...]
    ringed: bool


class Display(Scene):
    """A number of two or three digits on a monitor, over a faint pulse line."""

    kind: Literal["display"] = "display"
    number: int
    ink: Rgb
    x: int
    y: int
    size: int
    weight: int
    pulse: tuple[int, ...]


class Page(Scene):
    """A word of three letters between lines of small print (``lines``: y, left, right)."""

    kind: Literal["page"] = "page"
    word: str
    ink: Rgb
    x: int
    y: int
    size: int
    weight: int
    lines: tuple[tuple[int, int, int], ...]


class Bar(Frozen):
    """One bar of a chart."""

    colour: str
    value: int


class Bars(Scene):
    """A bar chart; every unit of a bar is ``unit`` pixels high and marked by a line."""

    kind: Literal["bars"] = "bars"
    bars: tuple[Bar, ...]
    x: int
    y: int
    width: int
    gap: int
    unit: int


class Clock(Scene):
    """A tower clock at a full hour."""

    kind: Literal["clock"] = "clock"
    hour: int
    x: int
    y: int
    radius: int
    face: Rgb
    hands: Rgb
    weight: int
    round_face: bool


class Sum(Scene):
    """Two digits and a plus sign."""

    kind: Literal["sum"] = "sum"
    left: int
    right: int
    ink: Rgb
    x: int
    y: int
    size: int
    weight: int
    boxed: bool


AnyScene = Paint | Shape | Balls | Pair | Display | Page | Bars | Clock | Sum


class Holder(RootModel[Annotated[AnyScene, Field(discriminator="kind")]]):
    """Any scene, told apart by ``kind``."""


def parse_scene(text: str | bytes) -> Scene:
    """The scene that ``scene_json`` wrote; a ``ValueError`` for anything else."""
    return Holder.model_validate_json(text).root


def scene_json(scene: Scene) -> str:
    """The scene as one line of JSON."""
    return scene.model_dump_json()


def scene_hash(scene: Scene) -> str:
    """A name made of the scene's content alone: the sha256 of its JSON."""
    return hash_bytes(scene_json(scene))


def render(scene: Scene) -> Image.Image:
    """The picture, RGB, ``drawing.PIXELS`` square; equal scenes give equal pixels."""
    from demo.world.drawing import draw  # the painters need the classes above

    return draw(scene)


def to_png(scene: Scene) -> bytes:
    """The picture as PNG bytes with the scene in the text chunk ``scene``; equal scenes give equal bytes."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("scene", scene_json(scene))
    file = io.BytesIO()
    render(scene).save(file, "PNG", pnginfo=notes, compress_level=6)
    return file.getvalue()


def read_scene(png: bytes) -> Scene:
    """The scene inside a PNG, found by walking the chunks: no pixel is decoded. ``ValueError`` when there is none."""
    if not png.startswith(PNG_MAGIC):
        raise ValueError("not a PNG")
    at = len(PNG_MAGIC)
    while at + 8 <= len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        if kind == b"tEXt" and body.startswith(TEXT_KEY):
            return parse_scene(body[len(TEXT_KEY) :])
        at += 12 + length
    raise ValueError("the PNG holds no scene")
