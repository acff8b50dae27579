"""Finding pictures by words and dealing them out: the same for the same words, seeds and pictures."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.domain.seeds import seed_of

MAX_A_QUERY: Final = 3
WORD: Final = re.compile(r"[^\W_]+")


def words_of(text: str) -> frozenset[str]:
    """The words of a text, by which pictures are found; case does not count."""
    return frozenset(WORD.findall(text.casefold()))


class Shelf:
    """The free pictures of one image type by name, and the words that each is found by."""

    def __init__(self, pictures: Mapping[str, str]) -> None:
        self.names = sorted(pictures)
        self._place = {name: place for place, name in enumerate(self.names)}
        self._free = np.ones(len(self.names), dtype=bool)
        places: dict[str, list[int]] = defaultdict(list)
        for place, name in enumerate(self.names):
            for word in words_of(pictures[name]):
                places[word].append(place)
        self._places = {word: np.array(found) for word, found in places.items()}

    def best(self, words: AbstractSet[str], seed: int, seen: Iterable[str] = ()) -> str | None:
        """The free picture, ``seen`` ones apart, that shares most words with the query; ties go by the seed."""
        num = len(self.names)
        fit = np.zeros(num, dtype=np.int64)
        for word in words & self._places.keys():
            fit[self._places[word]] += 1
        rank = fit * num + (seed % max(num, 1) - np.arange(num)) % max(num, 1)
        rank[~self._free] = -1
        rank[[self._place[name] for name in seen if name in self._place]] = -1
        place = int(rank.argmax()) if num else 0
        return self.names[place] if num and rank[place] >= 0 else None

    def take(self, name: str) -> None:
        """Nobody else gets this picture; one that is not here is passed over."""
        if name in self._place:
            self._free[self._place[name]] = False


@dataclass(frozen=True)
class Want:
    """A slot that looks for pictures of a type. ``seen`` are those that its earlier tries had."""

    index: int
    image_type: str
    queries: tuple[str, ...]
    seed: int
    seen: frozenset[str] = frozenset()


def pictures_deal(
    wants: Iterable[Want], shelves: Mapping[str, Shelf], dealt: Mapping[int, AbstractSet[str]]
) -> dict[int, list[list[str]]]:
    """For every slot by index the pictures that each of its queries found, at most MAX_A_QUERY, no picture twice.

    Pictures go round in slot order, one a turn, so that nobody gets a second while another has none. ``dealt`` are
    the pictures of slots that got theirs before a kill: the others then get what they would have got.
    """
    ordered = sorted(wants, key=lambda want: want.index)
    for taken in (name for names in dealt.values() for name in names):
        take_all(shelves, taken)
    found: dict[int, list[list[str]]] = {want.index: [[] for _ in want.queries] for want in ordered}
    words = {query: words_of(query) for want in ordered for query in want.queries}
    for _ in range(MAX_A_QUERY):
        for turn in range(max((len(want.queries) for want in ordered), default=0)):
            for want in (want for want in ordered if turn < len(want.queries)):
                shelf = shelves.get(want.image_type)
                seed = seed_of(want.seed, "image_search", turn)
                name = shelf.best(words[want.queries[turn]], seed, want.seen) if shelf else None
                if name is not None:
                    found[want.index][turn].append(name)
                    take_all(shelves, name)
    return found


def take_all(shelves: Mapping[str, Shelf], name: str) -> None:
    """A picture of two types is gone from both."""
    for shelf in shelves.values():
        shelf.take(name)
