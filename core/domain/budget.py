"""Budgets: what may be spent, what is spent, what calls in flight may still take, and whether one more call fits."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

KINDS: Final = ("money", "tokens", "calls", "seconds")
MILLIONTH: Final = Decimal("0.000001")
DEFAULT_ANSWER_TOKENS: Final = 4096
PATCH: Final = 14  # pixels a side: no common model makes a token of less of a picture
MESSAGE_TOKENS: Final = 64  # the marks that a chat template sets around messages and pictures
Amount = Decimal | int | float


@dataclass(frozen=True)
class Spend:
    """An amount of everything that a budget counts."""

    money: Decimal = Decimal(0)
    tokens: int = 0
    calls: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Spend") -> "Spend":
        money, tokens = self.money + other.money, self.tokens + other.tokens
        return Spend(money, tokens, self.calls + other.calls, self.seconds + other.seconds)


@dataclass(frozen=True)
class Caps:
    """What may be spent at most; None is no cap."""

    money: Decimal | None = None
    tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Shortfall:
    """The cap that one more call might cross: what is spent, what calls in flight may take, what this one may take."""

    kind: str
    cap: Amount
    spent: Amount
    reserved: Amount
    wanted: Amount

    @property
    def may_settle(self) -> bool:
        """Whether the calls in flight may leave enough when they end below their worst case."""
        return Decimal(self.spent) + Decimal(self.wanted) <= Decimal(self.cap)

    @property
    def over(self) -> Decimal:
        """By how much the cap might be crossed."""
        return Decimal(self.spent) + Decimal(self.reserved) + Decimal(self.wanted) - Decimal(self.cap)

    def sentence(self, whose: str) -> str:
        """Why no call is sent, for people; ``whose`` names the budget."""
        words = [f"{amount_text(self.kind, self.spent)} spent"]
        if self.reserved:
            words.append(f"{amount_text(self.kind, self.reserved)} reserved for calls in flight")
        told = f"The cap of {amount_text(self.kind, self.cap)} on {whose} is reached: {', '.join(words)},"
        return f"{told} and the next call may take {amount_text(self.kind, self.wanted)}."


def fits(caps: Caps, spent: Spend, reserved: Spend, wanted: Spend) -> Shortfall | None:
    """None when ``wanted`` crosses no cap even if all that is reserved is taken; else the cap that stands in the way.

    Where several do, it is one that waiting for the calls in flight does not help.
    """
    found = []
    for kind in KINDS:
        cap = getattr(caps, kind)
        if cap is not None:
            short = Shortfall(kind, cap, *(getattr(one, kind) for one in (spent, reserved, wanted)))
            found += [short] if short.over > 0 else []
    return min(found, key=lambda short: short.may_settle, default=None)


def prompt_bound(num_bytes: int, pictures: Iterable[tuple[int, int]], picture_tokens: int = 0) -> int:
    """Tokens that a prompt can have at most: one a byte of text, one for each patch of a picture.

    ``picture_tokens`` above 0 takes the place of the patches, for servers that count pictures in another way.
    """
    counted = [picture_tokens or patches(*size) for size in pictures]
    return num_bytes + sum(counted) + MESSAGE_TOKENS * (2 + len(counted))


def patches(width: int, height: int) -> int:
    """How many squares of PATCH pixels cover a picture, with one more a row for marks at line ends."""
    return (-(-width // PATCH) + 1) * -(-height // PATCH)


def money_up(amount: Decimal) -> Decimal:
    """The sum in whole millionths, rounded up: what is added up never says less than was paid."""
    return amount.quantize(MILLIONTH, rounding=ROUND_CEILING)


def amount_text(kind: str, amount: Amount) -> str:
    """An amount with its unit; money has no currency here, as prices have none."""
    match kind:
        case "money":
            return f"{amount:,.2f} money" if amount >= 1 or not amount else f"{amount:.6f} money"
        case "seconds":
            return f"{amount / 3600:.2f} hours" if amount >= 36 else f"{amount:.0f} seconds"
        case _:
            return f"{amount:,} {kind if amount != 1 else kind.removesuffix('s')}"
