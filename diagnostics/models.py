"""Checkpoints, benchmarks, answers, verdicts, and reports made of frozen cells."""

from pathlib import Path

from django.db import models
from django.db.models import Q

from core.domain.adapters import ADAPTER_CONFIG
from diagnostics.judging_models import Correction as Correction
from diagnostics.judging_models import Judging as Judging
from diagnostics.judging_models import Label as Label
from diagnostics.judging_models import Ruling as Ruling

# As diagnostics.domain.intervals.MIN_EFFECTIVE_CLUSTERS, whose scipy would slow every start of the web side.
MIN_IMAGES = 20


class Checkpoint(models.Model):
    """A Hugging Face checkpoint folder, known by its content; the only table of checkpoints.

    Without a ``path`` it stands for a model elsewhere, of which only predictions were brought.
    """

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="checkpoints")
    name = models.CharField(max_length=120)
    path = models.CharField(max_length=500)
    content_hash = models.CharField(max_length=64)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    num_bytes = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "content_hash"], name="checkpoint_once_a_campaign")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_elsewhere(self) -> bool:
        """Whether there is no folder to load: nothing can be asked of it or start from it."""
        return not self.path

    @property
    def is_adapter(self) -> bool:
        """Whether its folder holds adapters that need their base."""
        return bool(self.path) and (Path(self.path) / ADAPTER_CONFIG).is_file()

    @property
    def lacks(self) -> str:
        """Why it cannot be loaded as it is; empty when it can."""
        if self.is_elsewhere:
            return "it has no folder here, only predictions"
        return "it holds adapters; merge them into a full checkpoint first" if self.is_adapter else ""


class Benchmark(models.Model):
    """A set of items that came from one file."""

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="benchmarks")
    name = models.CharField(max_length=120)
    file_hash = models.CharField(max_length=64)
    num_items = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "name"], name="benchmark_name_once_a_campaign")]

    def __str__(self) -> str:
        return self.name


class Item(models.Model):
    """One question about pictures. ``split`` keeps diagnosis, gate and headline apart for ever."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="items")
    index = models.CharField(max_length=120)
    content_hash = models.CharField(max_length=64)
    images = models.JSONField(default=list)
    cluster = models.CharField(max_length=64)
    question = models.TextField()
    hint = models.TextField(blank=True)
    options = models.JSONField(default=dict)
    answer = models.TextField()
    answer_type = models.CharField(max_length=12)
    skill = models.CharField(max_length=80)
    image_type = models.CharField(max_length=30, default="mixed")
    split = models.CharField(max_length=8)
    doc_hash = models.CharField(max_length=64, blank=True, help_text="lmms-eval's name of the document, if it is known")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["benchmark", "index"], name="item_index_once_a_benchmark"),
            models.CheckConstraint(condition=Q(split__in=["probe", "gate", "sealed"]), name="known_split"),
        ]
        indexes = [models.Index(fields=["benchmark", "split", "skill", "id"], name="item_by_skill")]

    def __str__(self) -> str:
        return f"{self.benchmark} {self.index}"


class AnswerRun(models.Model):
    """Answers of one checkpoint to chosen items with frozen settings; ``run_name`` names its RUN_DIR."""

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="answer_runs")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="answer_runs")
    split = models.CharField(max_length=8)
    label = models.CharField(max_length=120)
    spec = models.JSONField(default=dict)
    run_name = models.CharField(max_length=64, blank=True)
    num_items = models.PositiveIntegerField(default=0)
    num_answers = models.PositiveSmallIntegerField(default=1)
    is_complete = models.BooleanField(default=False)
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    items = models.ManyToManyField(Item, through="RunItem")

    def __str__(self) -> str:
        return self.label


class RunItem(models.Model):
    """Which items a run asks, in which order; fixed when the run is made."""

    run = models.ForeignKey(AnswerRun, on_delete=models.CASCADE, related_name="run_items")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "item"], name="item_once_a_run")]
        indexes = [models.Index(fields=["run", "position"], name="run_item_by_position")]

    def __str__(self) -> str:
        return f"{self.run} {self.position}"


class Answer(models.Model):
    """What the model wrote; the key is (run, item, sample_ix), so that N answers stay N answers."""

    run = models.ForeignKey(AnswerRun, on_delete=models.CASCADE, related_name="answers")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="answers")
    sample_ix = models.PositiveSmallIntegerField()
    text = models.TextField()
    num_tokens = models.PositiveIntegerField()
    finish = models.CharField(max_length=8)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "item", "sample_ix"], name="answer_key")]

    def __str__(self) -> str:
        return f"{self.run} {self.item} {self.sample_ix}"


class Verdict(models.Model):
    """One judge's word on one answer, strict and lenient side by side, with what decided it.

    ``judge`` is ``rule``, or an endpoint's role and model; that one's words are known by ``prompt_hash``, and
    ``extractor_version`` is of the rules beside which it judged.
    """

    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="verdicts")
    judge = models.CharField(max_length=150, default="rule")
    prompt_hash = models.CharField(max_length=64, blank=True)
    extractor_version = models.CharField(max_length=30)
    strict = models.CharField(max_length=10)
    lenient = models.CharField(max_length=10)
    extracted = models.TextField(blank=True)
    detail = models.CharField(max_length=120, blank=True)
    evidence = models.TextField(blank=True, help_text="the passage of the answer that decided, quoted by a judge")
    confidence = models.FloatField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["answer", "judge", "prompt_hash", "extractor_version"],
                name="verdict_once_a_judge",
            ),
            models.CheckConstraint(
                condition=Q(strict__in=["correct", "incorrect", "unscored"])
                & Q(lenient__in=["correct", "incorrect", "unscored"]),
                name="known_outcomes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge}: {self.strict}"


class Report(models.Model):
    """A diagnosis: frozen cells and a verdict for every skill, written once by the job that owns the run."""

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="reports")
    run = models.OneToOneField(AnswerRun, on_delete=models.PROTECT, related_name="report")
    tau = models.FloatField()
    alpha = models.FloatField()
    num_scored = models.PositiveIntegerField()
    num_unscored = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"Report on {self.run}"


class Cell(models.Model):
    """Counts of one slice: ``k`` right of ``n`` items, with the sums over images that clustered intervals need.

    With several answers an item, an item counts by the share of its answers that is right: the sums hold those
    shares exactly, ``k`` is rounded.
    """

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="cells")
    skill = models.CharField(max_length=80)
    image_type = models.CharField(max_length=30)
    error_type = models.CharField(max_length=30, blank=True)
    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="+")
    is_strict = models.BooleanField()
    n = models.PositiveIntegerField()
    k = models.PositiveIntegerField()
    num_clusters = models.PositiveIntegerField()
    sum_m2 = models.FloatField(help_text="sum over clusters of items squared")
    sum_km = models.FloatField(help_text="sum over clusters of right answers times items")
    sum_k2 = models.FloatField(help_text="sum over clusters of right answers squared")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "report",
                    "skill",
                    "image_type",
                    "error_type",
                    "benchmark",
                    "is_strict",
                ],
                name="cell_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self.skill} {self.k}/{self.n}"


class SkillDiagnosis(models.Model):
    """What a report says of one skill: raw counts, interval, shrunken value, verdict.

    ``n`` counts items. With several answers an item, ``k`` is the rounded sum of the items' shares of right answers;
    interval, posterior and verdict come from the exact sum.
    """

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="skills")
    skill = models.CharField(max_length=80)
    image_type = models.CharField(max_length=30)
    answer_type = models.CharField(max_length=12)
    n = models.PositiveIntegerField()
    k = models.PositiveIntegerField()
    k_lenient = models.PositiveIntegerField()
    low = models.FloatField()
    high = models.FloatField()
    shrunken = models.FloatField()
    posterior_a = models.FloatField()
    posterior_b = models.FloatField()
    verdict = models.CharField(max_length=16)
    num_more = models.PositiveIntegerField(null=True, help_text="items needed to decide; null: decided, or not here")
    is_decidable = models.BooleanField(default=True)
    effective_images = models.FloatField(default=0, help_text="as many images asked equally often these are worth")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "skill"], name="skill_once_a_report")]

    def __str__(self) -> str:
        return f"{self.skill}: {self.verdict}"

    @property
    def accuracy(self) -> float:
        """Share of right answers, strict, as counted."""
        return self.k / self.n if self.n else 0.0

    @property
    def has_too_few_images(self) -> bool:
        """Whether the interval must not be trusted, because too few different images were asked."""
        return self.effective_images < MIN_IMAGES


class SavedView(models.Model):
    """A filter of the list of items that a person keeps under a name."""

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey("auth.User", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1500)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "user", "name"], name="view_name_once_a_person")]

    def __str__(self) -> str:
        return self.name
