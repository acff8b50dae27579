"""How far a mixture's slots are filled."""

from dataclasses import dataclass

from django.db.models import Count

from datagen.models import Slot


@dataclass(frozen=True)
class SlotCounts:
    """Slots by status; ``missing`` counts by skill what is not filled."""

    num_slots: int
    num_filled: int
    num_open: int
    missing: dict[str, int]


def slots_filled(mixture_id: int) -> SlotCounts:
    """One query over the mixture's slots."""
    counted = list(Slot.objects.filter(mixture_id=mixture_id).values("skill", "status").annotate(n=Count("id")))

    def total(status: str) -> int:
        return sum(row["n"] for row in counted if row["status"] == status)

    missing: dict[str, int] = {}
    for row in counted:
        if row["status"] != "filled":
            missing[row["skill"]] = missing.get(row["skill"], 0) + row["n"]
    return SlotCounts(sum(row["n"] for row in counted), total("filled"), total("open"), missing)
