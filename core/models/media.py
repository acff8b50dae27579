"""Pictures, stored once by content."""

from django.db import models


class Media(models.Model):
    """A picture that was decoded whole when it came in; its file lies under MEDIA_ROOT by sha256."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    mime = models.CharField(max_length=30)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    num_bytes = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.sha256[:12]


class CampaignMedia(models.Model):
    """Which campaigns use a picture: whoever may view one of them may see it."""

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="+")
    media = models.ForeignKey(Media, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "media"], name="media_once_a_campaign")]

    def __str__(self) -> str:
        return f"{self.media} in {self.campaign}"
