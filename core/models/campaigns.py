"""Campaigns, who may do what in them, and what was done."""

from django.db import models
from django.db.models import Q

from core.campaign_settings import CampaignSettings


class Campaign(models.Model):
    """One model's way through the rounds: the root of everything else."""

    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=120)
    seed = models.BigIntegerField(default=0)
    settings = models.JSONField(default=dict)
    created_by = models.ForeignKey("auth.User", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def config(self) -> CampaignSettings:
        """The settings as checked values."""
        return CampaignSettings.model_validate(self.settings)


class Membership(models.Model):
    """A person's role in a campaign."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey("auth.User", on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(
        max_length=12,
        choices=[
            ("viewer", "viewer"),
            ("curator", "curator"),
            ("researcher", "researcher"),
            ("approver", "approver"),
            ("admin", "admin"),
        ],
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "user"], name="one_role_a_member"),
            models.CheckConstraint(
                condition=Q(role__in=["viewer", "curator", "researcher", "approver", "admin"]),
                name="known_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role} in {self.campaign}"


class AuditEvent(models.Model):
    """Who did what to which object; written in the transaction of the deed, never changed."""

    actor = models.ForeignKey("auth.User", on_delete=models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=60)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, null=True, related_name="audit_events")
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=64)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["campaign", "-id"], name="audit_by_campaign"),
            models.Index(fields=["object_type", "object_id"], name="audit_by_object"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"
