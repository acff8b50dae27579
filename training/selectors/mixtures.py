"""Which round a mixture belongs to, whether the round waits for it, and what speaks against an approver."""

from dataclasses import dataclass

from django.contrib.auth.models import User

from core.models import Campaign
from datagen.models import Mixture
from datagen.selectors import approval_objection, mixture_of
from training.domain.stages import Stage
from training.models import Round, RoundStage
from training.selectors.parts import MixtureView

PAGE = 25


@dataclass(frozen=True)
class MixtureLine:
    """A mixture in the list, with the number of the round that it was proposed in."""

    mixture: Mixture
    round_number: int | None


def mixture_lines(campaign: Campaign, before: int | None) -> list[MixtureLine]:
    """Up to PAGE + 1 mixtures, newest first, with smaller ids than ``before``; two queries."""
    rows = Mixture.objects.filter(campaign=campaign).select_related("edited_by", "approved_by").order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    rounds = rounds_by_mixture(campaign)
    found = [(row, rounds.get(row.pk)) for row in rows[: PAGE + 1]]
    return [MixtureLine(row, round.number if round else None) for row, round in found]


def rounds_by_mixture(campaign: Campaign) -> dict[int, Round]:
    """The round that each mixture was proposed in; one query."""
    stages = RoundStage.objects.filter(round__campaign=campaign, stage=Stage.MIXTURE).exclude(status="open")
    rows = stages.select_related("round__started_by").order_by("id")
    return {row.result["mixture_id"]: row.round for row in rows if "mixture_id" in row.result}


def is_awaited(round: Round, mixture: Mixture) -> bool:
    """Whether the round waits until somebody approves this very mixture or sends it back; two queries."""
    if not RoundStage.objects.filter(round=round, stage=Stage.APPROVE, status="open").exists():
        return False
    newest = RoundStage.objects.filter(round=round, stage=Stage.MIXTURE, status="done").latest("take")
    return bool(newest.result.get("mixture_id") == mixture.pk)


def round_objection(round: Round, mixture: Mixture, actor: User) -> str:
    """Why this person cannot approve the mixture for this round; empty when nothing speaks against it."""
    if mixture.campaign.config.mixture.two_persons and round.started_by_id == actor.pk:
        return "You started this round, and in this campaign two persons must agree: somebody else approves it."
    return approval_objection(mixture, actor)


def objection_now(round: Round, view: MixtureView | None, actor: User) -> str:
    """``round_objection`` for the mixture that the round shows; no query where one person may decide alone."""
    if view is None or not round.campaign.config.mixture.two_persons:
        return ""
    return round_objection(round, mixture_of(round.campaign, view.id), actor)
