"""A training run's curves, read from the child's file while it trains."""

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

from core.jobs.context import JobContext
from core.specs import METRICS_FILE, MetricRow
from training.models import Metric, TrainingRun
from training.services.alarms import AlarmWatch, alarms_raise
from training.services.line_tail import LineTail

CHUNK = 500
PAUSE_S = 0.02
KEY = ("training_run", "name", "skill", "step")


@dataclass
class MetricStream:
    """Copies new lines of ``metrics.jsonl`` into Metric rows; called at every tick of the child.

    A new attempt reads the file from its beginning: the same lines make the same rows. Only lines that are
    written to their end count, and a step that was replayed after a resume overwrites what it said before.
    """

    context: JobContext
    run: TrainingRun
    tail: LineTail = field(default_factory=lambda: LineTail(METRICS_FILE))
    watch: AlarmWatch = field(default_factory=AlarmWatch)

    def __call__(self, folder: Path) -> None:
        """Store what was appended since the last call, and raise what it warns of."""
        if lines := self.tail.read(folder):
            rows = rows_of(lines)
            self.store(rows)
            alarms_raise(self.context, self.run, self.watch.look(rows))
            self.tail.accept(lines)

    def store(self, rows: list[MetricRow]) -> None:
        """Write the points in short transactions that only the job's owner can commit."""
        points = [Metric(training_run=self.run, **row.model_dump()) for row in rows]
        for start in range(0, len(points), CHUNK):
            with self.context.writing():
                Metric.objects.bulk_create(
                    points[start : start + CHUNK],
                    update_conflicts=True,
                    unique_fields=KEY,
                    update_fields=["value"],
                )
            time.sleep(PAUSE_S)


def rows_of(lines: bytes) -> list[MetricRow]:
    """The points in ``lines``, the last word on each (name, skill, step); what is no number cannot be drawn."""
    rows = [MetricRow.model_validate_json(line) for line in lines.splitlines()]
    return list({(row.name, row.skill, row.step): row for row in rows if math.isfinite(row.value)}.values())
