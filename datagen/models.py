"""Pools, mixtures, slots, samples, datasets."""

from django.db import models
from django.db.models import Q


class Pool(models.Model):
    """Unlabelled pictures that slots may draw from."""

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="pools")
    name = models.CharField(max_length=120)
    file_hash = models.CharField(max_length=64)
    num_images = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "name"], name="pool_name_once_a_campaign")]

    def __str__(self) -> str:
        return self.name


class PoolImage(models.Model):
    """One picture of a pool, with where it came from and under which licence."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="images")
    media = models.ForeignKey("core.Media", on_delete=models.PROTECT, related_name="+")
    image_type = models.CharField(max_length=30)
    licence = models.CharField(max_length=60)
    source = models.CharField(max_length=300)
    caption = models.CharField(max_length=300, blank=True, help_text="words that a search can find it by")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "media"], name="picture_once_a_pool")]
        indexes = [models.Index(fields=["pool", "image_type", "media"], name="pool_by_type")]

    def __str__(self) -> str:
        return f"{self.image_type} {self.media_id[:12]}"


class Mixture(models.Model):
    """What the next data is made of; approved by the hash of exactly what the approver saw."""

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="mixtures")
    report = models.ForeignKey("diagnostics.Report", on_delete=models.PROTECT, related_name="mixtures")
    policy = models.CharField(max_length=12)
    total = models.PositiveIntegerField()
    seed = models.BigIntegerField()
    status = models.CharField(max_length=10, default="submitted")
    manifest_hash = models.CharField(max_length=64)
    notes = models.JSONField(default=list, help_text="what an approver should know, one sentence each")
    comment = models.TextField(blank=True)
    edited_by = models.ForeignKey("auth.User", on_delete=models.PROTECT, null=True, related_name="+")
    edited_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey("auth.User", on_delete=models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["submitted", "approved", "sent_back"]),
                name="known_mixture_status",
            )
        ]

    def __str__(self) -> str:
        return f"Mixture #{self.pk} ({self.policy})"


class MixtureRow(models.Model):
    """One skill's share: its weight, the exact number of samples, and why."""

    mixture = models.ForeignKey(Mixture, on_delete=models.CASCADE, related_name="rows")
    skill = models.CharField(max_length=80)
    purpose = models.CharField(max_length=8)
    image_type = models.CharField(max_length=30)
    answer_type = models.CharField(max_length=12)
    weight = models.FloatField()
    quota = models.PositiveIntegerField()
    proposed_quota = models.PositiveIntegerField(null=True, help_text="the policy's number, where a person changed it")
    proposed_weight = models.FloatField(null=True, help_text="the policy's weight, where a person changed it")
    proposed_purpose = models.CharField(max_length=8, blank=True, help_text="the policy's, where a person changed it")
    why = models.CharField(max_length=300)
    directions = models.JSONField(
        default=list, help_text="error types to aim at with their counts, most frequent first"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mixture", "skill"], name="skill_once_a_mixture"),
            models.CheckConstraint(condition=Q(purpose__in=["target", "replay"]), name="known_row_purpose"),
        ]

    def __str__(self) -> str:
        return f"{self.skill}: {self.quota}"


class Slot(models.Model):
    """A place for one sample of a given skill and purpose; reserved before money is spent."""

    mixture = models.ForeignKey(Mixture, on_delete=models.CASCADE, related_name="slots")
    index = models.PositiveIntegerField()
    skill = models.CharField(max_length=80)
    purpose = models.CharField(max_length=8)
    image_type = models.CharField(max_length=30)
    question_type = models.CharField(max_length=12)
    error_type = models.CharField(max_length=30, blank=True)
    num_tries = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(max_length=10, default="open")
    reason = models.CharField(max_length=60, blank=True, help_text="why it is given up")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mixture", "index"], name="slot_index_once_a_mixture"),
            models.CheckConstraint(
                condition=Q(status__in=["open", "filled", "given_up"]),
                name="known_slot_status",
            ),
            models.CheckConstraint(condition=Q(purpose__in=["target", "replay"]), name="known_slot_purpose"),
        ]
        indexes = [models.Index(fields=["mixture", "status", "index"], name="slot_open_order")]

    def __str__(self) -> str:
        return f"slot {self.index}"


class Sample(models.Model):
    """One try at a slot, kept whatever becomes of it, with the reason and the evidence.

    ``status``: written (by the agents) -> checked (quality control) -> accepted, rejected or held.
    """

    slot = models.ForeignKey(Slot, on_delete=models.CASCADE, related_name="samples")
    try_ix = models.PositiveSmallIntegerField()
    media = models.ForeignKey("core.Media", on_delete=models.PROTECT, null=True, related_name="+")
    question = models.TextField(blank=True)
    options = models.JSONField(default=dict)
    answer = models.TextField(blank=True)
    answer_type = models.CharField(max_length=12, blank=True)
    text_key = models.CharField(max_length=64, blank=True, help_text="hash of picture and normalised question")
    status = models.CharField(max_length=10, default="written")
    reason = models.CharField(max_length=40, blank=True)
    evidence = models.JSONField(default=dict)
    is_gold_confirmed = models.BooleanField(default=False, help_text="the blind solve agreed with the gold answer")
    num_correct = models.PositiveSmallIntegerField(null=True)
    num_scored = models.PositiveSmallIntegerField(null=True)
    gradient_probability = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slot", "try_ix"], name="try_once_a_slot"),
            models.CheckConstraint(
                condition=Q(status__in=["written", "checked", "accepted", "rejected", "held"]),
                name="known_sample_status",
            ),
            models.UniqueConstraint(fields=["slot"], condition=Q(status="accepted"), name="one_accepted_sample_a_slot"),
        ]
        indexes = [
            models.Index(fields=["status", "reason"], name="sample_by_reason"),
            models.Index(fields=["status", "id"], name="sample_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.slot}/{self.try_ix}: {self.status}"


class CandidateSample(Sample):
    """A sample that no dataset uses, as the admin's queue lists it."""

    class Meta:
        proxy = True
        verbose_name = "rejected or held sample"


class SampleDecision(models.Model):
    """What a person decided about a sample, beside the machine's word, which stays in the sample's evidence.

    ``accept`` fills the sample's slot, ``reject`` gives it up, ``reassign`` moves the sample to another slot first.
    """

    sample = models.ForeignKey(Sample, on_delete=models.CASCADE, related_name="decisions")
    actor = models.ForeignKey("auth.User", on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=8)
    comment = models.TextField(blank=True)
    status_before = models.CharField(max_length=10)
    reason_before = models.CharField(max_length=40, blank=True)
    slot_before = models.ForeignKey(Slot, on_delete=models.CASCADE, related_name="+")
    try_before = models.PositiveSmallIntegerField()
    slots = models.JSONField(default=list, help_text="what it changed: [slot, [status, reason, tries] before, after]")
    at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decision__in=["accept", "reject", "reassign"]), name="known_sample_decision"
            )
        ]

    def __str__(self) -> str:
        return f"{self.decision} {self.sample_id}"


class Dataset(models.Model):
    """An immutable set of accepted samples: a parquet file and a manifest, named by content."""

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="datasets")
    mixture = models.OneToOneField(Mixture, on_delete=models.PROTECT, related_name="dataset")
    manifest_hash = models.CharField(max_length=64)
    file_hash = models.CharField(max_length=64)
    path = models.CharField(max_length=500)
    num_samples = models.PositiveIntegerField()
    manifest = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"Dataset {self.manifest_hash[:12]}"
