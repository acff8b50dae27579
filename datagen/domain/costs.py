"""What calls took, added up under any of their facts, and how much of it each accepted sample took."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Cost:
    """Calls, tokens and money. ``twice`` counts calls that are perhaps paid twice, ``timed`` those that took ``ms``."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    money: Decimal = Decimal(0)
    failed: int = 0
    unknown: int = 0
    twice: int = 0
    timed: int = 0
    ms: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})

    @property
    def tokens(self) -> int:
        """In and out."""
        return self.tokens_in + self.tokens_out

    @property
    def mean_ms(self) -> float | None:
        """How long an answered call of a model took; None where none was answered."""
        return self.ms / self.timed if self.timed else None


@dataclass(frozen=True)
class CostCell:
    """The calls that share all these facts; ``scope`` is empty for calls that no mixture is behind, ``server`` for
    uses of a tool, which are in sums by role and endpoint alone.
    """

    scope: str
    round_number: int | None
    role: str
    skill: str
    by: str
    server: str
    cost: Cost


@dataclass(frozen=True)
class CostLine:
    """All calls under one name. ``making`` is what went into samples, rejected tries too, for ``accepted`` of them."""

    name: str
    by: str
    cost: Cost
    making: Cost = Cost()
    accepted: int = 0

    def each(self, number: float | Decimal) -> Decimal | None:
        """A part of ``making`` for one accepted sample; None before the first one."""
        return Decimal(number) / self.accepted if self.accepted else None

    @property
    def money_each(self) -> Decimal | None:
        """Money for one accepted sample."""
        return self.each(self.making.money)

    @property
    def tokens_each(self) -> Decimal | None:
        """Tokens for one accepted sample."""
        return self.each(self.making.tokens)

    @property
    def calls_each(self) -> Decimal | None:
        """Calls for one accepted sample."""
        return self.each(self.making.calls)


@dataclass(frozen=True)
class Costs:
    """All cells of a campaign, and its accepted samples by scope and skill."""

    cells: Sequence[CostCell]
    accepted: Mapping[tuple[str, str], int]

    @property
    def known(self) -> dict[tuple[str, str], int]:
        """The accepted samples of those scopes whose calls are known; others would make samples look cheap."""
        scopes = {cell.scope for cell in self.cells if cell.scope}
        return {pair: number for pair, number in self.accepted.items() if pair[0] in scopes}

    def whole(self) -> CostLine:
        """Everything in one line."""
        return line_of("", self.cells, sum(self.known.values()))

    def by_role(self) -> list[CostLine]:
        """One line a role and model or tool; no sample is one role's alone."""
        groups = grouped(self.cells, lambda cell: (cell.role, cell.by))
        return [CostLine(*key, cost_sum(groups[key])) for key in sorted(groups)]

    def by_endpoint(self) -> list[CostLine]:
        """One line a model and its server, or a tool; roles that share a server are added up."""
        groups = grouped(self.cells, lambda cell: (cell.by, cell.server))
        return [CostLine(*key, cost_sum(groups[key])) for key in sorted(groups)]

    def by_round(self) -> list[CostLine]:
        """One line a round, the newest first, and one with an empty name for calls outside of rounds."""
        lines, known = [], self.known
        groups = grouped(self.cells, lambda cell: cell.round_number or 0)
        for number in sorted(groups, reverse=True):
            scopes = {cell.scope for cell in groups[number]}
            mine = sum(num for (scope, _), num in known.items() if scope in scopes)
            lines.append(line_of(str(number or ""), groups[number], mine))
        return lines

    def by_skill(self) -> list[CostLine]:
        """One line a skill, and one with an empty name for calls about none."""
        mine: Counter[str] = Counter()
        for (_, skill), number in self.known.items():
            mine[skill] += number
        groups = grouped(self.cells, lambda cell: cell.skill)
        return [line_of(name, groups[name], mine[name]) for name in sorted(groups)]


def line_of(name: str, cells: Sequence[CostCell], accepted: int) -> CostLine:
    """The calls of endpoints as one line; what a mixture is behind went into samples."""
    calls = [cell for cell in cells if cell.server]
    making = cost_sum(cell for cell in calls if cell.scope)
    return CostLine(name, "", cost_sum(calls), making, accepted)


def cost_sum(cells: Iterable[CostCell]) -> Cost:
    """What all these cells took."""
    return sum((cell.cost for cell in cells), Cost())


def grouped(cells: Iterable[CostCell], key: Callable[[CostCell], Key]) -> dict[Key, list[CostCell]]:
    """The cells that share what ``key`` says of them."""
    groups: dict[Key, list[CostCell]] = defaultdict(list)
    for cell in cells:
        groups[key(cell)].append(cell)
    return groups
