"""What filling a mixture's slots may cost, from what slots of the same campaign took before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.domain.budget import Spend, money_up


@dataclass(frozen=True)
class RoleForecast:
    """One role's part; ``spend`` is None where the campaign has no history of it."""

    role: str
    spend: Spend | None


@dataclass(frozen=True)
class Forecast:
    """Every role's part and what the known ones sum to; ``num_slots`` slots are what it rests on."""

    lines: tuple[RoleForecast, ...]
    known: Spend
    num_slots: int

    @property
    def unknown(self) -> tuple[str, ...]:
        """The roles that nothing is known of: the sum is then a least."""
        return tuple(line.role for line in self.lines if line.spend is None)


def forecast(roles: Iterable[str], history: Mapping[str, Spend], num_slots: int, total: int) -> Forecast:
    """What ``total`` slots take if each takes what the ``num_slots`` ended ones took on the mean, refills included."""
    known = {role: scaled(spend, total, num_slots) for role, spend in history.items() if num_slots and spend.calls}
    lines = tuple(RoleForecast(role, known.get(role)) for role in roles)
    return Forecast(lines, sum((line.spend for line in lines if line.spend), Spend()), num_slots)


def scaled(spend: Spend, total: int, num_slots: int) -> Spend:
    """The spending of ``num_slots`` slots for ``total`` ones, rounded up."""
    money = money_up(spend.money * total / Decimal(num_slots))
    return Spend(money, -(-spend.tokens * total // num_slots), -(-spend.calls * total // num_slots))
