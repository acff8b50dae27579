"""Workers: a process says that it lives at every look at the table; while it works, its job's lease says so."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime, timedelta

from core.jobs.lease import Lease, is_gone
from core.models import Worker

FORGET_AFTER = timedelta(hours=1)


def worker_seen(queue: str, lease: Lease, now: datetime) -> None:
    """Note that this process takes jobs of the queue; one statement, two at its first look."""
    own = Worker.objects.filter(queue=queue, host=lease.host, pid=lease.pid, started=lease.started)
    if not own.update(seen_at=now):
        Worker.objects.bulk_create([Worker(queue=queue, seen_at=now, **asdict(lease))], ignore_conflicts=True)


def workers_prune(now: datetime, busy: Collection[Lease]) -> None:
    """Forget workers whose process is dead, and those of other hosts that neither look nor work; one statement more."""
    gone = [row.pk for row in Worker.objects.all() if is_lost(row, now, busy)]
    if gone:
        Worker.objects.filter(pk__in=gone, seen_at__lt=now).delete()


def is_lost(row: Worker, now: datetime, busy: Collection[Lease]) -> bool:
    """Whether nothing is to be expected of this worker any more."""
    lease = worker_lease(row)
    return is_gone(lease) or (row.seen_at < now - FORGET_AFTER and lease not in busy)


def worker_lease(row: Worker) -> Lease:
    """The process behind the row."""
    return Lease(row.host, row.boot, row.pid, row.started)
