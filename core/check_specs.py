"""The pre-flight of a training run across the GPU border: what to check, and the table that comes back.

RUN_DIR holds ``spec.json`` (a ``CheckSpec``), ``dataset.parquet`` and at the end ``result.json`` (a ``CheckResult``).
"""

from typing import Literal

from pydantic import Field

from core.domain.gradients import Difficulty
from core.frozen import Frozen
from core.grpo_settings import GrpoSettings
from core.specs import RunResult, Spec, TrainSpec

CheckStatus = Literal["ok", "warn", "fail"]


class CheckSpec(Spec):
    """Look at everything that ``train_spec`` needs; ``take`` counts the looks at one and the same run."""

    kind: Literal["check"] = "check"
    dataset_hash: str = Field(description="sha256 of dataset.parquet")
    settings: GrpoSettings
    difficulty: tuple[Difficulty, ...] = Field(
        default=(), description="(right, scored, samples): how often the parent was right on the data"
    )
    take: int = Field(default=1, ge=1)

    @property
    def train_spec(self) -> TrainSpec:
        """The run that is to be launched."""
        return train_spec_of(self, self.settings)


class CheckLine(Frozen):
    """One thing that was looked at: what was found, and what to change where it is not well."""

    name: str
    status: CheckStatus
    found: str
    change: str = ""


class CheckResult(RunResult):
    """The whole table, in the order of looking."""

    lines: tuple[CheckLine, ...]

    @property
    def is_passed(self) -> bool:
        """Whether nothing failed."""
        return is_passed(self.lines)


def is_passed(lines: tuple[CheckLine, ...]) -> bool:
    """A warning stands in nobody's way; a failure does, and so does a table without lines."""
    return bool(lines) and all(line.status != "fail" for line in lines)


def train_spec_of(spec: CheckSpec, settings: GrpoSettings) -> TrainSpec:
    """A training run on the spec's data and checkpoint with these settings."""
    return TrainSpec(
        checkpoint_hash=spec.checkpoint_hash,
        seed=spec.seed,
        device=spec.device,
        dtype=spec.dtype,
        places=spec.places,
        dataset_hash=spec.dataset_hash,
        settings=settings,
    )
