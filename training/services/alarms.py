"""Alarms of a run while it trains: found in its curves, stored once a kind, told in its job's history."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.jobs.context import JobContext
from core.specs import MetricRow
from training.domain.alarms import WATCHED, Alarm, AlarmKind, alarms_of
from training.models import RunAlarm, TrainingRun


@dataclass
class AlarmWatch:
    """Holds the watched curves of one attempt, which reads them from their beginning, and what was found in them."""

    curves: dict[str, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    found: set[AlarmKind] = field(default_factory=set)

    def look(self, rows: Sequence[MetricRow]) -> list[Alarm]:
        """What the curves warn of with these points, and did not before."""
        for row in rows:
            if not row.skill and row.name in WATCHED:
                self.curves[row.name][row.step] = row.value
        alarms = alarms_of({name: sorted(points.items()) for name, points in self.curves.items()})
        fresh = [alarm for alarm in alarms if alarm.kind not in self.found]
        self.found.update(alarm.kind for alarm in fresh)
        return fresh


def alarms_raise(context: JobContext, run: TrainingRun, alarms: Sequence[Alarm]) -> None:
    """Store each alarm that the run does not have yet, with a line in its job's history."""
    for alarm in alarms:
        with context.writing():
            facts = {"step": alarm.step, "reason": alarm.reason}
            row, is_new = RunAlarm.objects.get_or_create(training_run=run, kind=alarm.kind, defaults=facts)
            if is_new:
                context.note("alarm", f"{row.title}, from step {row.step}: {row.reason}. {row.advice}")
