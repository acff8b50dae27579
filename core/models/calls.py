"""Model endpoints, and the ledger of every call that was made to them."""

from django.db import models


class Endpoint(models.Model):
    """An OpenAI-compatible server that plays one role in a campaign. The key itself is never stored."""

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="endpoints")
    role = models.CharField(max_length=20)
    base_url = models.URLField(max_length=300)
    model = models.CharField(max_length=120)
    key_env = models.CharField(max_length=60, blank=True)
    is_private = models.BooleanField(
        default=True, help_text="may be at a private address: set so by somebody who may, or before there was a rule"
    )
    concurrency = models.PositiveSmallIntegerField(default=16)
    timeout_s = models.FloatField(default=120.0)
    price_in = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    price_out = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    price_image = models.DecimalField(max_digits=12, decimal_places=6, default=0, help_text="money a picture edited")
    capabilities = models.JSONField(default=dict, help_text="what the last test found: images, n, json_schema, usage")
    checked_at = models.DateTimeField(null=True)
    pace = models.JSONField(default=dict, help_text="how the server bore the calls of the last job that used it")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "role"], name="one_endpoint_a_role")]

    def __str__(self) -> str:
        return f"{self.role}: {self.model}"


class ModelCall(models.Model):
    """One call of an endpoint or a tool: its row is committed before it is sent, its answer before anything uses it.

    ``unknown`` is a call that was in flight when its worker died; it is repeated with the same key
    and counted as possibly paid twice (``num_sent`` > 1).
    """

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="calls")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, null=True, related_name="calls")
    tool = models.CharField(max_length=20, blank=True, help_text="a tool that ran here (image_search, image_edit)")
    job = models.ForeignKey("core.Job", on_delete=models.SET_NULL, null=True, related_name="calls")
    role = models.CharField(max_length=20)
    subject = models.CharField(max_length=60, blank=True)
    scope = models.CharField(max_length=40, blank=True, help_text="whose money it is: mixture:12, or the campaign's")
    round_number = models.PositiveSmallIntegerField(null=True, help_text="the round whose job made it")
    skill = models.CharField(max_length=80, blank=True, help_text="the skill that it is about")
    idempotency_key = models.CharField(max_length=64, unique=True)
    request_hash = models.CharField(max_length=64)
    prompt_version = models.CharField(max_length=40)
    status = models.CharField(
        max_length=10,
        default="sent",
        choices=[
            ("sent", "sent"),
            ("answered", "answered"),
            ("failed", "failed"),
            ("unknown", "unknown"),
        ],
    )
    num_sent = models.PositiveSmallIntegerField(default=1)
    num_refused = models.PositiveSmallIntegerField(default=0, help_text="tries that were too many at once (429)")
    inputs = models.JSONField(default=dict, help_text="what was asked: text, and pictures by sha256")
    choices = models.JSONField(default=list)
    finish = models.CharField(max_length=10, blank=True, help_text="length: an answer was cut off; stop: none was")
    tokens_in = models.PositiveIntegerField(default=0)
    tokens_out = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    reserved_money = models.DecimalField(max_digits=14, decimal_places=6, default=0, help_text="in flight, at worst")
    reserved_tokens = models.PositiveIntegerField(default=0)
    lost_money = models.DecimalField(max_digits=14, decimal_places=6, default=0, help_text="perhaps paid, no answer")
    lost_tokens = models.PositiveIntegerField(default=0)
    latency_ms = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(endpoint__isnull=False) | ~models.Q(tool=""), name="call_has_endpoint_or_tool"
            )
        ]
        indexes = [
            models.Index(fields=["campaign", "subject"], name="call_by_subject"),
            models.Index(fields=["job", "status"], name="call_by_job"),
            models.Index(fields=["campaign", "-id"], name="call_newest"),
            models.Index(fields=["campaign", "role", "status", "-id"], name="call_by_role"),
            models.Index(fields=["campaign", "scope", "answered_at"], name="call_by_end"),
            # What costs are added up from without reading the calls' texts, which lie in the same rows.
            models.Index(
                fields=["campaign", "scope", "round_number", "role", "skill", "endpoint", "tool", "status"],
                include=["num_sent", "tokens_in", "tokens_out", "cost", "latency_ms"],
                name="call_costs",
            ),
            models.Index(fields=["campaign"], condition=models.Q(status="sent"), name="call_in_flight"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.subject} ({self.status})"
