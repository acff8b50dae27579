"""What a person's decision makes of a slot. A slot that a wave works on by now is left to the wave."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from datagen.domain.quality import RejectReason

MOVED: Final = "moved_by_person"
UNDER_WAY: Final = ("written", "checked")


class Decision(StrEnum):
    """What a person may say of a sample."""

    ACCEPT = "accept"
    REJECT = "reject"
    REASSIGN = "reassign"


# The status and reason that a sample has afterwards, and those that it may have before.
AFTER: Final[Mapping[Decision, tuple[str, str]]] = MappingProxyType(
    {
        Decision.ACCEPT: ("accepted", ""),
        Decision.REJECT: ("rejected", RejectReason.REJECTED_BY_PERSON.value),
        Decision.REASSIGN: ("accepted", ""),
    }
)
BEFORE: Final[Mapping[Decision, tuple[str, ...]]] = MappingProxyType(
    {
        Decision.ACCEPT: ("rejected", "held"),
        Decision.REJECT: ("accepted", "held"),
        Decision.REASSIGN: ("rejected", "held", "accepted"),
    }
)


@dataclass(frozen=True)
class SlotState:
    """How a slot stands; ``num_tries`` is the try that a wave works on while it is open."""

    status: str
    reason: str
    num_tries: int

    def is_at(self, try_ix: int) -> bool:
        """Whether this try is the one under way."""
        return self.status == "open" and self.num_tries == try_ix


def slot_filled(slot: SlotState) -> SlotState:
    """The slot with an accepted sample; its tries stay as they are, so that an undo finds them."""
    return SlotState("filled", "", slot.num_tries)


def slot_after_reject(slot: SlotState, try_ix: int, *, was_accepted: bool) -> SlotState:
    """Given up, so that nothing refills it behind the person's back; one that is at another try, or filled by another
    sample, stays as it is."""
    if was_accepted or slot.is_at(try_ix):
        return SlotState("given_up", RejectReason.REJECTED_BY_PERSON.value, slot.num_tries)
    return slot


def slot_after_move(slot: SlotState, try_ix: int, *, was_accepted: bool) -> SlotState:
    """What a sample leaves behind that moves elsewhere: its try is over where it was under way, its place is given up
    where it was filled."""
    if slot.is_at(try_ix):
        return replace(slot, num_tries=slot.num_tries + 1)
    return SlotState("given_up", MOVED, slot.num_tries) if was_accepted else slot


def try_free(slot: SlotState, last_try: int) -> int:
    """A try's number that neither a stored sample (up to ``last_try``) nor a wave under way will use."""
    return max(last_try + 1, slot.num_tries + (slot.status == "open"))
