"""The mixture's page in values: each share with what the diagnosis says of it, and what differs from the policy."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User

from core.budget_form import budget_panel
from core.budget_page import budgets_burn
from core.errors import InvalidInput
from core.models import Campaign
from datagen.budgets import mixture_forecast
from datagen.domain.edits import changes
from datagen.domain.mixture import Proposal, Purpose, Row, manifest_hash
from datagen.models import Mixture, MixtureRow
from datagen.proposals import original_of, proposal_of
from datagen.services.mixture_edits import mixture_preview
from datagen.tries import scope_of
from diagnostics.models import SkillDiagnosis
from training.figures import bar_width
from training.gate_forecast import gate_forecast
from training.mixture_form import MixtureForm
from training.models import Round
from training.selectors.mixtures import is_awaited, round_objection, rounds_by_mixture


@dataclass(frozen=True)
class Place:
    """Whose mixture it is, who looks at it, and what they may do."""

    campaign: Campaign
    mixture: Mixture
    user: User
    rights: frozenset[str]


@dataclass(frozen=True)
class ShareLine:
    """One skill: what is on screen, what the policy proposed, and what the diagnosis says."""

    pk: int
    row: Row
    policy: Row
    diagnosis: SkillDiagnosis | None
    width: str
    is_locked: bool

    @property
    def is_changed(self) -> bool:
        """Whether a person changed it."""
        return (self.row.quota, self.row.purpose) != (self.policy.quota, self.policy.purpose)


@dataclass(frozen=True)
class Draft:
    """A mixture as it is on screen: stored, or tried out and not stored yet."""

    mixture: Mixture
    rows: list[MixtureRow]
    proposal: Proposal
    signed: str
    locked: Collection[str] = ()
    error: str = ""

    @property
    def is_dirty(self) -> bool:
        """Whether it differs from what is stored."""
        return self.signed != self.mixture.manifest_hash


def draft_stored(mixture: Mixture) -> Draft:
    """The mixture as it is stored."""
    rows = list(mixture.rows.order_by("id"))
    return Draft(mixture, rows, proposal_of(mixture, rows), mixture.manifest_hash)


def draft_tried(stored: Draft, form: MixtureForm, actor: User) -> Draft:
    """What saving the form would have people sign."""
    proposal = mixture_preview(actor=actor, mixture_id=stored.mixture.pk, edit=form.edit)
    return replace(stored, proposal=proposal, signed=manifest_hash(proposal), locked=form.locked)


def draft_failed(stored: Draft, error: InvalidInput) -> Draft:
    """What is stored, with the reason why the form could not be taken."""
    return replace(stored, error=str(error))


def draft_context(draft: Draft) -> dict[str, Any]:
    """What the page shows of a draft's numbers; one query."""
    original = original_of(draft.mixture, draft.rows)
    lines = share_lines(draft, original)
    totals = {
        purpose.value: sum(line.row.quota for line in lines if line.row.purpose == purpose) for purpose in Purpose
    }
    return {
        "draft": draft,
        "mixture": draft.mixture,
        "lines": lines,
        "totals": totals,
        "replay_share": totals["replay"] / draft.proposal.total,
        "notes": original.notes,
        "changes": changes(original.rows, draft.proposal.rows),
        "warnings": [warning for line in lines if (warning := warning_of(line))],
    }


def share_lines(draft: Draft, original: Proposal) -> list[ShareLine]:
    """Every skill in the order in which the mixture is signed."""
    found = {row.skill: row for row in SkillDiagnosis.objects.filter(report_id=draft.mixture.report_id)}
    most = max((row.quota for row in draft.proposal.rows), default=0)
    triples = zip(draft.rows, draft.proposal.rows, original.rows, strict=True)
    return [
        ShareLine(stored.pk, row, policy, found.get(row.skill), bar_width(row.quota, most), row.skill in draft.locked)
        for stored, row, policy in triples
    ]


def warning_of(line: ShareLine) -> str:
    """What a person should think over before signing this line; empty when nothing."""
    if line.diagnosis is None or line.diagnosis.verdict != "weak":
        return ""
    if line.row.purpose == Purpose.REPLAY:
        return f"{line.row.skill} is shown weak, but replay keeps a skill and does not repair it."
    return "" if line.row.quota else f"{line.row.skill} is shown weak, but it gets no samples."


def mixture_context(place: Place, draft: Draft) -> dict[str, Any]:
    """The whole page: the numbers, the round that waits for them, and what this person may do."""
    mixture = draft.mixture
    round = rounds_by_mixture(place.campaign).get(mixture.pk)
    awaited = round is not None and mixture.status == "submitted" and is_awaited(round, mixture)
    return {
        "section": "campaigns",
        "tab": "mixtures",
        "campaign": place.campaign,
        "round": round,
        "is_awaited": awaited,
        "may_edit": "research" in place.rights and mixture.status == "submitted",
        **draft_context(draft),
        **budget_context(place),
        **(approval_context(place, round, draft) if awaited and round else {}),
    }


def budget_context(place: Place) -> dict[str, Any]:
    """The mixture's caps beside the campaign's, and what it may cost while it is not approved."""
    is_open = place.mixture.status == "submitted"
    return {
        "budget": budget_panel(place.user, place.campaign, scope_of(place.mixture.pk)),
        "campaign_burns": [burn for burn in budgets_burn(place.campaign) if burn.cap is not None],
        "cost": mixture_forecast(place.mixture) if is_open else None,
    }


def approval_context(place: Place, round: Round, draft: Draft) -> dict[str, Any]:
    """What the approver's forms need."""
    num_targets = sum(row.purpose == Purpose.TARGET and row.quota > 0 for row in draft.proposal.rows)
    return {
        "may_approve": "approve" in place.rights,
        "objection": round_objection(round, draft.mixture, place.user),
        "forecast": gate_forecast(place.campaign, num_targets, len(draft.proposal.rows) - num_targets),
    }
