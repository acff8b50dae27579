"""What is wrong with a benchmark's rows: all counted by kind, the first kept with their rows."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TypedDict

from core.errors import InvalidInput
from core.pictures import BadPicture
from diagnostics.formats.row import Kind, RowFault

KEPT = 200
SHOWN = 20


@dataclass(frozen=True, order=True)
class Problem:
    """One row's fault as a sentence."""

    row: int
    message: str
    kind: Kind


class ProblemLine(TypedDict):
    """A problem as a report lists it."""

    row: int
    kind: str
    message: str


@dataclass
class Problems:
    """Faults as they are found; rows are checked nearly in order, so the first that are kept are the first rows'."""

    counts: Counter[Kind] = field(default_factory=Counter)
    first: list[Problem] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many there are."""
        return self.counts.total()

    def add(self, row: int, error: InvalidInput) -> None:
        """Note what is wrong with a row."""
        kind = Kind(error.kind) if isinstance(error, RowFault | BadPicture) else Kind.CELL
        self.counts[kind] += 1
        if len(self.first) < KEPT:
            self.first.append(Problem(row, str(error), kind))

    def lines(self) -> list[ProblemLine]:
        """The first problems by row."""
        return [{"row": one.row, "kind": one.kind.value, "message": one.message} for one in sorted(self.first)]

    def sentence(self) -> str:
        """The first few, and how many there are."""
        shown = " ".join(f"row {one.row}: {one.message}" for one in sorted(self.first)[:SHOWN])
        more = self.total - SHOWN
        end = f" And {more} more." if more > 0 else ""
        return f"{self.total} problem(s), nothing was imported. {shown}{end}"
