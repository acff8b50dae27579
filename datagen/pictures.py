"""Which picture each slot gets: drawn by the slot's own seed from what is unused, in slot order, before any call."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from core.domain.seeds import seed_of


@dataclass(frozen=True)
class Want:
    """A slot that needs a picture of a type. ``had`` is the one that it got before a kill, which it keeps."""

    index: int
    image_type: str
    seed: int
    had: str | None = None


def pictures_choose(
    wants: Iterable[Want], pools: Mapping[str, Iterable[str]], used: AbstractSet[str]
) -> dict[int, str | None]:
    """A picture for every slot by index, each used once; None where the type's pictures are used up.

    The same for the same seeds, pools and used pictures, whichever slots had theirs before. ``pools`` maps an image
    type to its pictures' names; where pictures came to the pools since, slots that had one keep it all the same.
    """
    ordered = sorted(wants, key=lambda want: want.index)
    kept = {want.had for want in ordered if want.had}
    free = {kind: sorted(set(names) - used) for kind, names in pools.items()}
    taken: set[str] = set()
    chosen: dict[int, str | None] = {}
    for want in ordered:
        names = free.get(want.image_type, [])
        if want.had:
            remove(names, want.had)
        chosen[want.index] = want.had or draw(names, want.seed, taken, kept)
        taken.add(chosen[want.index] or "")
    return chosen


def draw(names: list[str], seed: int, taken: AbstractSet[str], kept: AbstractSet[str]) -> str | None:
    """Take the name that the seed points to out of ``names``; the next one when another slot has it already."""
    start = seed_of(seed, "image")
    while names:
        name = names.pop(start % len(names))
        if name not in taken and name not in kept:
            return name
    return None


def remove(names: list[str], name: str) -> None:
    """Take a name out of a sorted list, if it is in it."""
    place = bisect_left(names, name)
    if place < len(names) and names[place] == name:
        names.pop(place)
