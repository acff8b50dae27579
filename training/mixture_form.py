"""The form of the mixture's page: which numbers a person changed, and the shares that follow from them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from core.errors import InvalidInput
from datagen.domain.edits import MixtureEdit, regroup, reweigh
from datagen.domain.mixture import Purpose
from datagen.models import MixtureRow

MOST = 1e9


@dataclass(frozen=True)
class MixtureForm:
    """What was sent: shares in samples before and after, purposes, and skills that must not move."""

    was: Mapping[str, float]
    shares: Mapping[str, float]
    replay_was: float
    replay: float
    purposes: Mapping[str, Purpose]
    locked: Collection[str]

    @property
    def edit(self) -> MixtureEdit:
        """The shares of all skills: what was not touched gave way, first to a skill's number, then to the group's."""
        wanted = {skill: share for skill, share in self.shares.items() if share != self.was[skill]}
        shares = reweigh(self.was, wanted, locked=self.locked)
        if self.replay != self.replay_was:
            group = {skill for skill, purpose in self.purposes.items() if purpose == Purpose.REPLAY}
            shares = regroup(shares, group, self.replay, locked=self.locked)
        return MixtureEdit(shares, self.purposes)


def form_read(sent: Mapping[str, str], rows: Sequence[MixtureRow]) -> MixtureForm:
    """The form as checked values; InvalidInput names the field that is no number or no purpose."""
    return MixtureForm(
        was={row.skill: amount(sent, f"was-{row.pk}", row.skill) for row in rows},
        shares={row.skill: amount(sent, f"share-{row.pk}", row.skill, f"was-{row.pk}") for row in rows},
        replay_was=amount(sent, "replay-was", "replay"),
        replay=amount(sent, "replay", "replay", "replay-was"),
        purposes={row.skill: purpose_of(sent.get(f"purpose-{row.pk}", row.purpose), row) for row in rows},
        locked={row.skill for row in rows if sent.get(f"lock-{row.pk}")},
    )


def amount(sent: Mapping[str, str], name: str, skill: str, instead: str = "") -> float:
    """A number of samples, 0 or more; the field ``instead`` counts where this one was not sent."""
    try:
        value = float(sent.get(name, sent.get(instead, "")))
    except ValueError as error:
        raise InvalidInput(f"{skill}: its samples must be a number.", field=name) from error
    if not 0 <= value <= MOST:
        raise InvalidInput(f"{skill}: its samples must be 0 or more.", field=name)
    return value


def purpose_of(value: str, row: MixtureRow) -> Purpose:
    """Target or replay."""
    if value not in tuple(Purpose):
        raise InvalidInput(f"{row.skill}: its purpose must be target or replay.", field=f"purpose-{row.pk}")
    return Purpose(value)
