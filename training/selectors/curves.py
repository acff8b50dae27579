"""Points of curves: a training run's metrics."""

from collections.abc import Iterable
from dataclasses import dataclass

from training.models import Metric, TrainingRun


@dataclass(frozen=True)
class CurvePoint:
    """One point of a training curve; ``skill`` is empty for the whole run's."""

    name: str
    skill: str
    step: int
    value: float


@dataclass(frozen=True)
class RoundPoint:
    """One round's mean accuracy over its gate suites, before and after."""

    number: int
    before: float
    after: float
    decision: str


def curve_points(training_run: TrainingRun, names: Iterable[str]) -> list[CurvePoint]:
    """The points of the named metrics by name, skill and step; one query."""
    rows = Metric.objects.filter(training_run=training_run, name__in=list(names)).order_by("name", "skill", "step")
    return [CurvePoint(*row) for row in rows.values_list("name", "skill", "step", "value")]
