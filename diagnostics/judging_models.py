"""Judging anew: who was asked, what became of every answer, labels of wrong answers, and people's word on them."""

from django.db import models
from django.db.models import Q

OUTCOMES = ["correct", "incorrect", "unscored"]


class Judging(models.Model):
    """A complete run judged anew in one way; asked for again it is the same one, and what was there before it stays.

    ``judge`` and ``rule`` score every answer again, ``types`` says of every wrong one what picture and error it is.
    ``result`` is frozen by the job: pages read it and never count answers.
    """

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="judgings")
    run = models.ForeignKey("diagnostics.AnswerRun", on_delete=models.CASCADE, related_name="judgings")
    way = models.CharField(max_length=8)
    judges = models.JSONField(default=list, help_text="role and model of each judge, in the order of asking")
    prompt_hash = models.CharField(max_length=64, blank=True)
    extractor_version = models.CharField(max_length=30)
    key = models.CharField(max_length=64)
    job = models.ForeignKey("core.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    is_complete = models.BooleanField(default=False)
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "key"], name="judging_once_a_way"),
            models.CheckConstraint(condition=Q(way__in=["judge", "rule", "types"]), name="known_way"),
        ]

    def __str__(self) -> str:
        return f"{self.way} of {self.run}"


class Ruling(models.Model):
    """What a judging makes of one answer in the end, beside what counted before it.

    ``said`` is the first voice's own word, before anybody settled a disagreement. While ``needs_person`` the answer
    is unscored.
    """

    judging = models.ForeignKey(Judging, on_delete=models.CASCADE, related_name="rulings")
    answer = models.ForeignKey("diagnostics.Answer", on_delete=models.CASCADE, related_name="rulings")
    before_strict = models.CharField(max_length=10)
    before_lenient = models.CharField(max_length=10)
    said = models.CharField(max_length=10)
    strict = models.CharField(max_length=10)
    lenient = models.CharField(max_length=10)
    has_box = models.BooleanField(default=True, help_text="without one the strict word is incorrect, whoever judges")
    detail = models.CharField(max_length=120, blank=True)
    needs_person = models.BooleanField(default=False)
    is_flipped = models.BooleanField(default=False)
    decided_by = models.ForeignKey("auth.User", on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    comment = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["judging", "answer"], name="ruling_once_an_answer"),
            models.CheckConstraint(
                condition=Q(strict__in=OUTCOMES) & Q(lenient__in=OUTCOMES) & Q(said__in=OUTCOMES),
                name="known_ruling",
            ),
        ]
        indexes = [
            models.Index(fields=["judging", "needs_person", "id"], name="ruling_for_a_person"),
            models.Index(fields=["judging", "is_flipped", "id"], name="ruling_flipped"),
        ]

    def __str__(self) -> str:
        return f"{self.strict}, before {self.before_strict}"


class Label(models.Model):
    """A judge's word on one wrong answer: types of picture and error, with evidence; or ``fault`` says why none."""

    answer = models.ForeignKey("diagnostics.Answer", on_delete=models.CASCADE, related_name="labels")
    run = models.ForeignKey("diagnostics.AnswerRun", on_delete=models.CASCADE, related_name="labels")
    judge = models.CharField(max_length=150)
    prompt_hash = models.CharField(max_length=64)
    image_type = models.CharField(max_length=30, blank=True)
    image_evidence = models.TextField(blank=True)
    error_type = models.CharField(max_length=30, blank=True)
    error_evidence = models.TextField(blank=True)
    fault = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["answer", "judge", "prompt_hash"], name="label_once_a_judge")]
        indexes = [models.Index(fields=["run", "id"], name="label_by_run")]

    def __str__(self) -> str:
        return f"{self.image_type}, {self.error_type}" if not self.fault else self.fault


class Correction(models.Model):
    """A person's word on a label, kept apart from the judge's; the newest counts. The same words confirm."""

    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="corrections")
    image_type = models.CharField(max_length=30)
    error_type = models.CharField(max_length=30)
    comment = models.TextField(blank=True)
    made_by = models.ForeignKey("auth.User", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.image_type}, {self.error_type}"
