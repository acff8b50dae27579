"""What may be spent, and what is."""

from django.db import models
from django.db.models import Q

from core.domain.budget import KINDS, Caps, Spend

PARTS = ("spent", "reserved", "lost")


class Budget(models.Model):
    """The caps of a campaign (``scope`` empty) or of a part of it that another app names (``mixture:12``).

    ``spent`` is what ended calls took; one that got no answer counts with its worst case, for it may have been paid:
    ``lost`` says how much of ``spent`` that is. ``reserved`` is the worst case of all calls in flight. All are written
    under the row's lock.
    """

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="budgets")
    scope = models.CharField(max_length=40, blank=True)
    cap_money = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    cap_tokens = models.BigIntegerField(null=True)
    cap_calls = models.BigIntegerField(null=True)
    cap_seconds = models.FloatField(null=True)
    spent_money = models.DecimalField(max_digits=18, decimal_places=6, default=0)
    spent_tokens = models.BigIntegerField(default=0)
    spent_calls = models.BigIntegerField(default=0)
    spent_seconds = models.FloatField(default=0.0)
    reserved_money = models.DecimalField(max_digits=18, decimal_places=6, default=0)
    reserved_tokens = models.BigIntegerField(default=0)
    reserved_calls = models.BigIntegerField(default=0)
    lost_money = models.DecimalField(max_digits=18, decimal_places=6, default=0)
    lost_tokens = models.BigIntegerField(default=0)
    lost_calls = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "scope"], name="one_budget_a_scope"),
            models.CheckConstraint(
                condition=Q(**{f"{part}_{kind}__gte": 0 for part in PARTS for kind in KINDS[:3]}),
                name="nothing_below_zero",
            ),
        ]

    def __str__(self) -> str:
        return f"budget of {self.scope or self.campaign}"

    @property
    def caps(self) -> Caps:
        """What may be spent at most."""
        return Caps(self.cap_money, self.cap_tokens, self.cap_calls, self.cap_seconds)

    @property
    def spent(self) -> Spend:
        """What ended calls took, and the time in which jobs made calls."""
        return Spend(self.spent_money, self.spent_tokens, self.spent_calls, self.spent_seconds)

    @property
    def reserved(self) -> Spend:
        """What the calls in flight may take."""
        return Spend(self.reserved_money, self.reserved_tokens, self.reserved_calls)
