"""Work to be done: the row is the truth, the broker carries hints."""

from django.db import models
from django.db.models import Q

LIVE = ("running", "waiting", "paused")
ASKING_QUEUE = "agents"  # of jobs that ask endpoints through the ledger: their calls can be seen out, so they can pause


class Job(models.Model):
    """One piece of work; claimed by raising ``attempt``, owned while the lease is fresh."""

    kind = models.CharField(max_length=60)
    queue = models.CharField(max_length=20, default="work")
    spec = models.JSONField(default=dict)
    dedup_key = models.CharField(max_length=120, blank=True)
    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, null=True, related_name="jobs")
    actor = models.ForeignKey("auth.User", on_delete=models.PROTECT, related_name="+")
    status = models.CharField(
        max_length=10,
        default="waiting",
        choices=[
            ("waiting", "waiting"),
            ("running", "running"),
            ("paused", "paused"),
            ("succeeded", "succeeded"),
            ("failed", "failed"),
            ("errored", "errored"),
            ("cancelled", "cancelled"),
        ],
    )
    priority = models.SmallIntegerField(default=0)
    gpus = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    attempt = models.PositiveIntegerField(default=0)
    num_lost = models.PositiveSmallIntegerField(default=0)
    num_failures = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    lease_host = models.CharField(max_length=255, blank=True)
    lease_boot = models.CharField(max_length=64, blank=True)
    lease_pid = models.PositiveIntegerField(null=True)
    lease_started = models.FloatField(null=True)
    lease_until = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    pause_requested_at = models.DateTimeField(null=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    unit = models.CharField(max_length=30, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dedup_key"],
                condition=Q(status__in=LIVE) & ~Q(dedup_key=""),
                name="one_live_job_a_key",
            ),
        ]
        indexes = [
            models.Index(fields=["queue", "status", "-priority", "id"], name="job_claim_order"),
            models.Index(fields=["campaign", "-id"], name="job_by_campaign"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    @property
    def is_live(self) -> bool:
        """Whether it has not ended."""
        return self.status in LIVE

    @property
    def can_pause(self) -> bool:
        """Whether this is work that can be paused: what it did is stored call by call."""
        return self.queue == ASKING_QUEUE

    @property
    def percent(self) -> int:
        """How far it is, 0 to 100; 0 while the total is unknown."""
        return min(100, 100 * self.done // self.total) if self.total else 0


class JobEvent(models.Model):
    """What happened to a job, in order: the first place to look after a bad night."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    attempt = models.PositiveIntegerField()
    name = models.CharField(max_length=30)
    message = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.job})"
