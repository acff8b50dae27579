"""What a worker does when a hint arrives. Safe to run twice, late, or never."""

from celery import shared_task
from django.utils import timezone

from core.jobs.engine import execute_next, reap
from dpe_site.stage_table import HANDLERS


@shared_task(name="dpe.look", ignore_result=True)
def look(queue: str) -> None:
    """Free the jobs of dead workers, then run this queue's waiting jobs until none is left."""
    reap(timezone.now())
    while execute_next(queue, HANDLERS):
        pass
