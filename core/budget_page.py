"""What pages and the API say of budgets: every cap, what is spent of it and reserved for calls in flight."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.domain.budget import KINDS, Amount, amount_text
from core.models import Budget, Campaign
from core.models.budgets import PARTS
from core.reservations import counted, scopes_of

WHOLE = "100%"


@dataclass(frozen=True)
class Burn:
    """One kind of spending of one scope; ``cap`` None is no cap, ``lost`` is spent on calls without an answer."""

    scope: str
    kind: str
    spent: Amount
    reserved: Amount
    lost: Amount
    cap: Amount | None

    @property
    def spent_text(self) -> str:
        """What is spent, with its unit."""
        return amount_text(self.kind, self.spent)

    @property
    def spent_plain(self) -> str:
        """What is spent, beside the name of its kind."""
        return plain(self.kind, self.spent)

    @property
    def reserved_plain(self) -> str:
        """What is reserved for calls in flight, beside the name of its kind."""
        return plain(self.kind, self.reserved)

    @property
    def lost_text(self) -> str:
        """What is spent on calls without an answer; empty when nothing."""
        return amount_text(self.kind, self.lost) if self.lost else ""

    @property
    def cap_text(self) -> str:
        """The cap with its unit; empty where there is none."""
        return "" if self.cap is None else amount_text(self.kind, self.cap)

    @property
    def whose(self) -> str:
        """Whose budget it is: the campaign's, or that of a part of it."""
        return scope_text(self.scope)

    @property
    def is_reached(self) -> bool:
        """Whether all of the cap is spent or reserved."""
        return self.cap is not None and float(self.spent) + float(self.reserved) >= float(self.cap)

    @property
    def spent_width(self) -> str:
        """How much of the bar is spent."""
        return share_text(self.spent, self.cap)

    @property
    def burnt_width(self) -> str:
        """How much of the bar is spent or reserved."""
        return share_text(float(self.spent) + float(self.reserved), self.cap)


def burns_telling(burns: Sequence[Burn]) -> list[Burn]:
    """Those that have a cap, or are spending of a part of the campaign."""
    return [burn for burn in burns if burn.cap is not None or (burn.scope and burn.spent)]


def scope_text(scope: str) -> str:
    """Whose budget it is, for people."""
    return scope.replace(":", " #") if scope else "the campaign"


def plain(kind: str, amount: Amount) -> str:
    """An amount beside the name of its kind; time keeps its unit, which is hours or seconds."""
    words = amount_text(kind, amount)
    return words if kind == "seconds" else words.rpartition(" ")[0]


def share_text(part: Amount, cap: Amount | None) -> str:
    """A share of the cap as a width; a cap of nothing is always reached."""
    if cap is None:
        return "0%"
    return f"{min(100.0, 100 * float(part) / float(cap)):.1f}%" if cap else WHOLE


def budgets_burn(campaign: Campaign, scope: str = "") -> list[Burn]:
    """Every kind of the campaign's budget, and then of the scope's where one is asked for."""
    rows = {row.scope: row for row in Budget.objects.filter(campaign=campaign, scope__in=scopes_of(scope))}
    return [burn for one in scopes_of(scope) for burn in burns_of(rows.get(one) or budget_counted(campaign, one))]


def budget_counted(campaign: Campaign, scope: str) -> Budget:
    """A budget that has no row yet: no caps, and what the ledger knows."""
    return Budget(campaign=campaign, scope=scope, **counted(campaign.pk, scope))


def burns_of(budget: Budget) -> list[Burn]:
    """One budget kind by kind; time is neither reserved nor lost."""
    return [Burn(budget.scope, kind, *parts_of(budget, kind), getattr(budget.caps, kind)) for kind in KINDS]


def parts_of(budget: Budget, kind: str) -> tuple[Amount, Amount, Amount]:
    """What is spent, reserved and lost of a kind."""
    spent, reserved, lost = (getattr(budget, f"{part}_{kind}", 0) for part in PARTS)
    return spent, reserved, lost


def budget_json(burns: Sequence[Burn]) -> dict[str, Any]:
    """One scope as the API shows it: money as text, as everywhere; time in seconds."""
    return {"scope": burns[0].scope, **{burn.kind: burn_json(burn) for burn in burns}}


def burn_json(burn: Burn) -> dict[str, Any]:
    """One kind; ``cap`` is null where there is none."""
    amounts = {name: getattr(burn, name) for name in ("spent", "reserved", "lost", "cap")}
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in amounts.items()}
