"""The stages of a round, and which comes next: pure values, so that a round can be resumed from its rows alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from datagen.domain.slots import MAX_REFILLS
from training.domain.gate import Decision

MAX_WAVES: Final = 1 + MAX_REFILLS
MIN_SHARE: Final = 0.9


class Stage(StrEnum):
    """The stages in their order; ``decide`` is a person's and comes only when the gate waits."""

    DIAGNOSE = "diagnose"
    REPORT = "report"
    MIXTURE = "mixture"
    APPROVE = "approve"
    GENERATE = "generate"
    QUALITY = "quality"
    DIFFICULTY = "difficulty"
    DATASET = "dataset"
    TRAIN = "train"
    EVALUATE = "evaluate"
    GATE = "gate"
    DECIDE = "decide"


@dataclass(frozen=True)
class Done:
    """The stage did its work and leaves nothing to choose."""


@dataclass(frozen=True)
class Approval:
    """A person approved the mixture, or sent it back."""

    is_approved: bool


@dataclass(frozen=True)
class Filled:
    """How the slots stand after a wave of generation, quality control and difficulty.

    ``num_open`` can be filled again (released and refilled less than ``MAX_REFILLS`` times); ``missing`` counts
    slots without an accepted sample by skill. Waves count from 1; ``min_share`` of the slots makes a dataset.
    """

    num_slots: int
    num_accepted: int
    num_open: int
    wave: int
    missing: Mapping[str, int] = field(default_factory=dict)
    max_waves: int = MAX_WAVES
    min_share: float = MIN_SHARE


StageOutcome = Done | Approval | Filled | Decision


@dataclass(frozen=True)
class Next:
    """Go on with this stage; ``is_retake`` opens a new take of a stage that ran before."""

    stage: Stage
    is_retake: bool = False


@dataclass(frozen=True)
class Finished:
    """The round is over."""


@dataclass(frozen=True)
class Failed:
    """The round cannot go on; ``shortfall`` says how many samples each skill lacks, largest first."""

    reason: str
    shortfall: tuple[tuple[str, int], ...] = ()


def next_stage(stage: Stage, outcome: StageOutcome) -> Next | Finished | Failed:
    """What follows a stage that ended with this outcome.

    A mixture that was sent back is proposed again. Open slots are generated again until the waves are used up;
    then enough accepted samples make a dataset, and too few fail the round. The gate promotes by itself or waits
    for a person, whose decision ends the round.
    """
    match stage, outcome:
        case Stage.APPROVE, Approval(is_approved=is_approved):
            return Next(Stage.GENERATE) if is_approved else Next(Stage.MIXTURE, is_retake=True)
        case Stage.DIFFICULTY, Filled():
            return _after_difficulty(outcome)
        case Stage.GATE, Decision():
            return Finished() if outcome == Decision.PROMOTE else Next(Stage.DECIDE)
        case Stage.DECIDE, Done():
            return Finished()
        case ((Stage.APPROVE | Stage.DIFFICULTY | Stage.GATE), _):
            pass
        case _, Done():
            return Next(later_stages(stage)[0])
    raise ValueError(f"The stage {stage} cannot end with {outcome}.")


def later_stages(stage: Stage) -> tuple[Stage, ...]:
    """The stages that become stale when this one is taken again."""
    order = tuple(Stage)
    return order[order.index(stage) + 1 :]


def _after_difficulty(filled: Filled) -> Next | Failed:
    if filled.num_open > 0 and filled.wave < filled.max_waves:
        return Next(Stage.GENERATE, is_retake=True)
    if filled.num_accepted > 0 and filled.num_accepted >= filled.min_share * filled.num_slots:
        return Next(Stage.DATASET)
    lacking = sorted(((s, n) for s, n in filled.missing.items() if n > 0), key=lambda item: (-item[1], item[0]))
    reason = f"{filled.num_accepted} of {filled.num_slots} samples were accepted; {filled.min_share:.0%} are needed."
    return Failed(reason, tuple(lacking))
