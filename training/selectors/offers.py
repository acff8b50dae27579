"""What the next round may start from."""

from dataclasses import dataclass

from core.models import Campaign
from diagnostics.models import Checkpoint
from training.models import Round


@dataclass(frozen=True)
class RoundOffer:
    """The next round as a button: its number and the parent that it would start from."""

    number: int
    parent: Checkpoint


def parent_default(campaign: Campaign) -> Checkpoint | None:
    """The last round's child if it was promoted, else its parent; before any round the newest that can be loaded."""
    last = Round.objects.filter(campaign=campaign).select_related("parent", "child").order_by("-number").first()
    if last is None:
        rows = Checkpoint.objects.filter(campaign=campaign).exclude(path="").order_by("-id")
        return next((row for row in rows if not row.lacks), None)
    return last.child if last.decision == "promoted" and last.child else last.parent


def next_round_offer(campaign: Campaign) -> RoundOffer | None:
    """The round that can be started now; None while one is open or no checkpoint is registered."""
    last = Round.objects.filter(campaign=campaign).order_by("-number").first()
    parent = parent_default(campaign)
    if parent is None or (last and last.ended_at is None):
        return None
    return RoundOffer(number=last.number + 1 if last else 1, parent=parent)
