"""Every door of the site and the right that opens it. A route or a method without a line here fails a test."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.doors.world import World

Words = Callable[[World], dict[str, Any]]


@dataclass(frozen=True)
class Door:
    """One URL name and method. ``right``: a right in the campaign, ``person`` (anybody signed in) or ``anyone``.

    ``args`` gives the URL's arguments, ``body`` a form (pages) or JSON (REST) that is right in every way, ``headers``
    what a client sends besides. ``is_file`` answers with no page.
    """

    name: str
    right: str
    args: Words = lambda world: {}
    method: str = "get"
    body: Words = lambda world: {}
    headers: Words = lambda world: {}
    is_file: bool = False

    @property
    def is_api(self) -> bool:
        return self.name.startswith("api-")

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.name}"


def slug(world: World) -> dict[str, Any]:
    return world.slug()


def round_of(state: str) -> Words:
    return lambda world: world.round(state)


def post(door: str, right: str, args: Words = lambda world: {}, **body: Any) -> Door:
    return Door(door, right, args, "post", lambda world: body)
