"""Worker processes, so that a page can say who is alive."""

from django.db import models


class Worker(models.Model):
    """A process that takes jobs of one queue. It says so here at every look at the table; while it works on a job,
    the job's lease names the same process and says so.
    """

    queue = models.CharField(max_length=20)
    host = models.CharField(max_length=255)
    boot = models.CharField(max_length=64)
    pid = models.PositiveIntegerField()
    started = models.FloatField(help_text="the process's start time, seconds since the epoch")
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "host", "pid", "started"], name="one_worker_a_process_and_queue")
        ]

    def __str__(self) -> str:
        return f"{self.queue} worker, pid {self.pid} on {self.host}"
