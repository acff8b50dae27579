"""What a worker does when a hint arrives. Safe to run twice, late, or never."""

from celery import shared_task

from core.jobs.engine import work
from core.machine import folders_measure
from dpe_site.stage_table import HANDLERS

MEASURING = "work"


@shared_task(name="dpe.look", ignore_result=True)
def look(queue: str) -> None:
    """Run this queue's waiting jobs until none is left."""
    work(queue, HANDLERS)
    if queue == MEASURING:
        folders_measure()
