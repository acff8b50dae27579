"""What the campaign pages show: every campaign with its newest round, and one campaign's rounds over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from core.models import Campaign
from training.figures import RoundCurve, round_curve
from training.models import Evaluation, Round, RoundStage
from training.round_page import Now, now_of
from training.selectors.curves import RoundPoint
from training.selectors.offers import next_round_offer
from training.selectors.stages import stage_view


@dataclass(frozen=True)
class RoundRow:
    """One round in a list: where it stands, and the mean accuracy of parent and child once both were evaluated."""

    round: Round
    now: Now
    before: float | None
    after: float | None

    @property
    def diff(self) -> float | None:
        """What the round changed."""
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True)
class CampaignRow:
    """One campaign in the list; ``newest`` is None before its first round."""

    campaign: Campaign
    newest: RoundRow | None


@dataclass(frozen=True)
class InputLine:
    """One kind of thing that rounds are made from; ``page`` shows them, ``missing`` is said where there are none."""

    name: str
    number: int
    page: str
    missing: str = ""


def campaign_rows(campaigns: QuerySet[Campaign], now: datetime) -> list[CampaignRow]:
    """Campaigns with their newest rounds; four queries however many there are."""
    found = list(campaigns)
    rounds = Round.objects.filter(campaign__in=found).select_related("parent", "child").order_by("number")
    newest = {round.campaign_id: round for round in rounds}
    rows = {row.round.campaign_id: row for row in round_rows(list(newest.values()), now)}
    return [CampaignRow(campaign, rows.get(campaign.pk)) for campaign in found]


def rounds_of(campaign: Campaign, now: datetime) -> list[RoundRow]:
    """All rounds of one campaign, newest first."""
    rounds = Round.objects.filter(campaign=campaign).select_related("parent", "child", "decided_by").order_by("-number")
    return round_rows(list(rounds), now)


def round_rows(rounds: Sequence[Round], now: datetime) -> list[RoundRow]:
    """Rounds with their stages and means; two queries."""
    stages: dict[int, list[RoundStage]] = {}
    for stage in RoundStage.objects.filter(round__in=rounds).select_related("job").order_by("id"):
        stages.setdefault(stage.round_id, []).append(stage)
    means = round_means(rounds)
    rows = []
    for round in rounds:
        views = [stage_view(stage, now) for stage in stages.get(round.pk, [])]
        before, after = means.get(round.pk, (None, None))
        rows.append(RoundRow(round, now_of(views, decision=round.decision), before, after))
    return rows


def round_means(rounds: Sequence[Round]) -> dict[int, tuple[float, float]]:
    """Mean accuracy over the gate suites before and after, by round; the newest evaluation of each counts."""
    rows = Evaluation.objects.filter(round__in=rounds, result__has_key="mean_after").order_by("id")
    return {row.round_id: (row.result["mean_before"], row.result["mean_after"]) for row in rows}


def curve_of(rows: Sequence[RoundRow]) -> RoundCurve | None:
    """The curve over the evaluated rounds, oldest first; None before the first one."""
    points = [
        RoundPoint(row.round.number, row.before, row.after, row.round.decision)
        for row in reversed(rows)
        if row.before is not None and row.after is not None
    ]
    return round_curve(points) if points else None


def rounds_context(campaign: Campaign, rights: frozenset[str]) -> dict[str, Any]:
    """The campaign's rounds, its curve, and the round that could start now."""
    rows = rounds_of(campaign, timezone.now())
    return {
        "section": "campaigns",
        "tab": "overview",
        "campaign": campaign,
        "rows": rows,
        "curve": curve_of(rows),
        "offer": next_round_offer(campaign),
        "may_research": "research" in rights,
        "live": any(row.now.stage for row in rows),
    }


def campaign_context(campaign: Campaign) -> dict[str, Any]:
    """What the rounds are made from, in numbers, and what is missing before the first one."""
    inputs = inputs_of(campaign)
    missing = [one.missing for one in inputs if one.missing and not one.number]
    return {"inputs": inputs, "missing": missing, "config": campaign.config}


def inputs_of(campaign: Campaign) -> list[InputLine]:
    """How many of each there are; one small count each."""
    return [
        InputLine("checkpoints", campaign.checkpoints.count(), "campaign-inputs", "a checkpoint"),
        InputLine("benchmarks", campaign.benchmarks.count(), "campaign-inputs", "a benchmark"),
        InputLine("pools of pictures", campaign.pools.count(), "campaign-inputs", "a pool of pictures"),
        InputLine("endpoints", campaign.endpoints.count(), "endpoint-list", "endpoints"),
        InputLine("members", campaign.memberships.count(), "campaign-settings"),
    ]
