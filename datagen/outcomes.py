"""What a decision makes of a sample's row."""

import time
from collections.abc import Callable, Sequence

from core.bulk_rows import rows_update
from core.jobs.context import JobContext
from datagen.domain.quality import Accepted, Held, QualityOutcome
from datagen.models import Sample

CHUNK = 500
PAUSE_S = 0.02


def outcome_set(sample: Sample, outcome: QualityOutcome, accepted: str = "checked") -> Sample:
    """The sample with the outcome's status and reason, not stored yet; ``accepted`` is what Accepted makes of it."""
    if isinstance(outcome, Accepted):
        sample.status, sample.reason = accepted, ""
    else:
        sample.status = "held" if isinstance(outcome, Held) else "rejected"
        sample.reason = outcome.reason.value
    return sample


def samples_update(samples: list[Sample], fields: Sequence[str]) -> list[None]:
    """Store these fields of each sample."""
    rows_update(samples, fields)
    return [None] * len(samples)


def samples_write(
    context: JobContext,
    samples: Sequence[Sample],
    fields: Sequence[str],
    still: Callable[[list[Sample]], list[Sample]] = list,
) -> None:
    """Store these fields of each sample in short transactions with room for others between them.

    ``still`` is asked inside each transaction which samples are to be written after all.
    """
    for start in range(0, len(samples), CHUNK):
        if start:
            time.sleep(PAUSE_S)
        with context.writing():
            samples_update(still(list(samples[start : start + CHUNK])), fields)
