"""Caps as people write them: in a campaign's file, a form, or through REST. Time is in hours, no value is no cap."""

from decimal import Decimal

from pydantic import Field

from core.campaign_settings import Part
from core.domain.budget import Caps, money_up

HOUR_S = 3600


class CapValues(Part):
    """What may be spent at most; what is left out has no cap."""

    money: float | None = Field(default=None, ge=0, lt=1e8, description="in the currency of the endpoints' prices")
    tokens: int | None = Field(default=None, ge=0, lt=1 << 62, description="asked and answered")
    calls: int | None = Field(default=None, ge=0, lt=1 << 62, description="sent, whatever became of them")
    hours: float | None = Field(default=None, ge=0, lt=1e6, description="in which jobs made calls")

    @property
    def caps(self) -> Caps:
        """The same as the budget holds it."""
        money = None if self.money is None else money_up(Decimal(str(self.money)))
        return Caps(money, self.tokens, self.calls, None if self.hours is None else self.hours * HOUR_S)


def cap_values(caps: Caps) -> CapValues:
    """Caps as people write them."""
    money = None if caps.money is None else float(caps.money)
    hours = None if caps.seconds is None else round(caps.seconds / HOUR_S, 6)
    return CapValues(money=money, tokens=caps.tokens, calls=caps.calls, hours=hours)
