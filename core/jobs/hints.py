"""Hints to workers. The table is the truth: a lost hint costs a few seconds, never a job."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

QUEUES = ("work", "agents", "gpu")
LOOK_PERIOD_S = 5


def announce(queue: str) -> None:
    """Tell one queue's worker to look at the table now."""
    try:
        current_app.send_task("dpe.look", args=[queue], queue=queue, expires=LOOK_PERIOD_S, retry=False)
    except OperationalError as error:
        logger.warning("no broker for a hint to %s, beat will tell: %s", queue, error)
