"""Stored mixtures as the proposals that were signed: their hash can be computed anew from the rows at any time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from datagen.domain.edits import EDITED
from datagen.domain.mixture import Policy, Proposal, Purpose, Row
from datagen.models import Mixture, MixtureRow


def row_of(row: MixtureRow) -> Row:
    """A stored row as it is signed; what is replayed aims at nothing."""
    aims = row.directions if row.purpose == Purpose.TARGET else []
    directions = tuple((kind, count) for kind, count in aims)
    return Row(row.skill, Purpose(row.purpose), row.weight, row.quota, row.why, directions)


def proposal_of(mixture: Mixture, rows: Sequence[MixtureRow]) -> Proposal:
    """The mixture as it is signed; ``rows`` in the order of their ids."""
    signed = tuple(row_of(row) for row in rows)
    return Proposal(cast(Policy, mixture.policy), mixture.total, signed, tuple(mixture.notes))


def original_of(mixture: Mixture, rows: Sequence[MixtureRow]) -> Proposal:
    """The mixture as the policy proposed it, before anybody edited it."""
    notes = tuple(note for note in mixture.notes if not note.startswith(EDITED))
    return replace(proposal_of(mixture, [original_row(row) for row in rows]), notes=notes)


def original_row(row: MixtureRow) -> MixtureRow:
    """The row with the policy's numbers; not stored."""
    if row.proposed_quota is None or row.proposed_weight is None:
        return row
    numbers = {"quota": row.proposed_quota, "weight": row.proposed_weight, "purpose": row.proposed_purpose}
    return MixtureRow(skill=row.skill, why=row.why, directions=row.directions, **numbers)
