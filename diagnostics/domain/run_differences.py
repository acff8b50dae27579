"""What is not the same about two answer runs, by name: a comparison of unlike runs must say so."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

# Which items were asked; rounds ask others on purpose, and a comparison of one item does not mind.
ABOUT_ITEMS = frozenset({"items", "items asked"})


@dataclass(frozen=True)
class Difference:
    """One fact that two runs do not share."""

    name: str
    before: str
    after: str


def run_differences(
    before: Mapping[str, str], after: Mapping[str, str], *, ignore: Collection[str] = ()
) -> tuple[Difference, ...]:
    """The facts in which two runs differ, in their order; a fact that only one of them knows is not compared."""
    shared = [name for name in before if name in after and name not in ignore]
    return tuple(Difference(name, before[name], after[name]) for name in shared if before[name] != after[name])
