"""What this campaign's gate will be able to see, said before money is spent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from core.models import Campaign
from training.domain.gate import detectable_difference, promotion_probability
from training.models import PROTECTED, EvaluationRow

DISCORDANCES = (0.05, 0.10, 0.20)
TYPICAL = 0.10
SIZES = (100, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 8000)
ENOUGH = 0.8


@dataclass(frozen=True)
class Chance:
    """What the gate does by itself when this share of answers changes.

    ``neutral`` and ``at_margin`` are P(promote), given that the targets are shown to improve, when nothing is lost
    and when one protected suite lost M; ``gain`` is the pooled gain of the targets that is seen in 80% of rounds.
    """

    discordance: float
    neutral: float
    at_margin: float
    gain: float | None
    is_measured: bool = False


@dataclass(frozen=True)
class GateForecast:
    """The gate's chances by the share of answers that change; ``items_enough`` a suite make ``neutral`` 80%."""

    num_items: int
    num_targets: int
    num_protected: int
    margin: float
    chances: list[Chance]
    items_enough: int | None

    @property
    def expected(self) -> Chance:
        """The measured chance, else the one at 10% changed answers."""
        return next((one for one in self.chances if one.is_measured), self.chances[DISCORDANCES.index(TYPICAL)])

    @property
    def is_enough(self) -> bool:
        """Whether the gate can be expected to promote a harmless child by itself."""
        return self.expected.neutral >= ENOUGH


def gate_forecast(campaign: Campaign, num_targets: int, num_protected: int) -> GateForecast:
    """The campaign's gate, with the changed answers of its last evaluation where there is one."""
    gate = campaign.config.gate
    suites = (gate.margin, num_targets, num_protected)
    chances = [chance(gate.items_a_suite, discordance, *suites) for discordance in DISCORDANCES]
    measured = discordance_measured(campaign)
    if measured is not None:
        chances.append(replace(chance(gate.items_a_suite, measured, *suites), is_measured=True))
    enough = items_enough(TYPICAL if measured is None else measured, gate.margin, num_protected)
    return GateForecast(gate.items_a_suite, num_targets, num_protected, gate.margin, chances, enough)


@lru_cache(maxsize=512)
def chance(num_items: int, discordance: float, margin: float, num_targets: int, num_protected: int) -> Chance:
    """The chances at one share of changed answers; a loss cannot be larger than that share."""

    def promoted(loss: float) -> float:
        return promotion_probability(num_items, discordance, margin=margin, num_protected=num_protected, loss=loss)

    gain = detectable_difference(num_items * num_targets, discordance) if num_targets else None
    return Chance(discordance, promoted(0.0), promoted(min(margin, discordance)), gain)


@lru_cache(maxsize=64)
def items_enough(discordance: float, margin: float, num_protected: int) -> int | None:
    """The smallest of SIZES that makes the gate promote a harmless child in 80% of rounds; None beyond the largest."""
    for size in SIZES:
        if promotion_probability(size, discordance, margin=margin, num_protected=num_protected) >= ENOUGH:
            return size
    return None


def discordance_measured(campaign: Campaign) -> float | None:
    """The share of gate items whose outcome changed on protected suites in the newest evaluation; one query."""
    rows = EvaluationRow.objects.filter(evaluation__round__campaign=campaign, role=PROTECTED, n__gt=0)
    found = list(rows.order_by("-evaluation_id", "suite").values_list("evaluation_id", "num_fixed", "num_broken", "n"))
    return share_changed([row[1:] for row in found if row[0] == found[0][0]])


def share_changed(rows: Sequence[tuple[int, int, int]]) -> float | None:
    """Fixed and broken over all items, to a thousandth and never zero; None without rows."""
    total = sum(n for _, _, n in rows)
    return max(0.001, round(sum(fixed + broken for fixed, broken, _ in rows) / total, 3)) if total else None
