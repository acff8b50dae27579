"""Rounds and their stages, training runs and curves, evaluations and gates."""

from django.db import models
from django.db.models import Q

from core.domain.rewards import CONTROLS
from training.domain.alarms import ADVICE, TITLES, AlarmKind

TARGET, PROTECTED = "target", "protected"


class Round(models.Model):
    """One turn of the loop, from a parent checkpoint to a decision about its child."""

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    parent = models.ForeignKey("diagnostics.Checkpoint", on_delete=models.PROTECT, related_name="+")
    child = models.ForeignKey("diagnostics.Checkpoint", on_delete=models.PROTECT, null=True, related_name="+")
    started_by = models.ForeignKey("auth.User", on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=10, blank=True)
    decided_by = models.ForeignKey("auth.User", on_delete=models.PROTECT, null=True, related_name="+")
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="round_number_once_a_campaign"),
            models.UniqueConstraint(
                fields=["campaign"],
                condition=Q(ended_at__isnull=True),
                name="one_open_round_a_campaign",
            ),
            models.CheckConstraint(
                condition=Q(decision__in=["", "promoted", "rejected"]),
                name="known_decision",
            ),
        ]

    def __str__(self) -> str:
        return f"Round {self.number}"


class RoundStage(models.Model):
    """One stage of a round; doing it again opens the next take."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="stages")
    stage = models.CharField(max_length=12)
    take = models.PositiveSmallIntegerField(default=1)
    job = models.OneToOneField("core.Job", on_delete=models.PROTECT, null=True, related_name="round_stage")
    status = models.CharField(
        max_length=8,
        default="open",
        help_text="open, done or stale; a job says the rest",
    )
    result = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "stage", "take"], name="one_stage_a_take"),
            models.UniqueConstraint(fields=["round"], condition=Q(status="open"), name="one_open_stage_a_round"),
            models.CheckConstraint(
                condition=Q(status__in=["open", "done", "stale"]),
                name="known_stage_status",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.round} {self.stage}/{self.take}"


class TrainingRun(models.Model):
    """One GRPO run: dataset and parent in, a checkpoint out."""

    campaign = models.ForeignKey("core.Campaign", on_delete=models.CASCADE, related_name="training_runs")
    dataset = models.ForeignKey("datagen.Dataset", on_delete=models.PROTECT, related_name="training_runs")
    parent = models.ForeignKey("diagnostics.Checkpoint", on_delete=models.PROTECT, related_name="+")
    child = models.ForeignKey("diagnostics.Checkpoint", on_delete=models.PROTECT, null=True, related_name="+")
    spec = models.JSONField(default=dict)
    run_name = models.CharField(max_length=64, blank=True)
    child_name = models.CharField(max_length=120, blank=True)
    seed = models.BigIntegerField()
    result = models.JSONField(default=dict)
    is_by_hand = models.BooleanField(default=False, help_text="launched by a person, outside any round")
    job = models.ForeignKey(
        "core.Job", on_delete=models.PROTECT, null=True, related_name="+", help_text="of a run by hand"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"Training run #{self.pk}"

    @property
    def is_control(self) -> bool:
        """Whether its reward did not ask for right answers: what it gains, no person should believe unseen."""
        return self.spec.get("settings", {}).get("reward") in CONTROLS


class Preflight(models.Model):
    """One look at everything that a run needs, before GPU time is spent; the hash of the run's spec names it.

    ``is_passed`` is empty until its job has looked; a person's override stands beside what was found.
    """

    training_run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="preflights")
    run_name = models.CharField(max_length=64)
    take = models.PositiveSmallIntegerField()
    job = models.ForeignKey("core.Job", on_delete=models.PROTECT, related_name="+")
    lines = models.JSONField(default=list)
    is_passed = models.BooleanField(null=True)
    seconds = models.FloatField(null=True)
    overridden_by = models.ForeignKey("auth.User", on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField(blank=True, help_text="of the override")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["training_run", "take"], name="preflight_once_a_take")]
        indexes = [models.Index(fields=["run_name"], name="preflight_by_run_name")]

    def __str__(self) -> str:
        return f"Pre-flight {self.take} of {self.training_run}"

    @property
    def is_clear(self) -> bool:
        """Whether training may start: it passed, or somebody answers for it."""
        return bool(self.is_passed) or self.overridden_by_id is not None


class Metric(models.Model):
    """One point of a curve; a replayed step overwrites."""

    training_run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="metrics")
    step = models.PositiveIntegerField()
    name = models.CharField(max_length=60)
    skill = models.CharField(max_length=80, blank=True)
    value = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["training_run", "name", "skill", "step"],
                name="metric_once_a_step",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.step}: {self.value}"


class Prompt(models.Model):
    """One sample as a training run asked it: how its reward went from its first turn to its newest.

    ``change`` is the newest reward minus the first, 0 before there are two; ``sample`` is None when the dataset's
    manifest does not tell which it was.
    """

    training_run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="prompts")
    name = models.CharField(max_length=64, help_text="the sample_id of the dataset's file")
    sample = models.ForeignKey("datagen.Sample", on_delete=models.SET_NULL, null=True, related_name="+")
    skill = models.CharField(max_length=80)
    purpose = models.CharField(max_length=8, blank=True)
    num_turns = models.PositiveIntegerField(default=0)
    first_reward = models.FloatField(null=True)
    last_reward = models.FloatField(null=True)
    change = models.FloatField(default=0.0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["training_run", "name"], name="prompt_once_a_run")]
        indexes = [
            models.Index(fields=["training_run", "change", "id"], name="prompt_by_change"),
            models.Index(fields=["training_run", "skill", "change", "id"], name="prompt_by_skill"),
        ]

    def __str__(self) -> str:
        return f"Prompt {self.name[:12]}"


class Turn(models.Model):
    """A prompt's completions at one step in numbers; their texts lie in the step's file, in its row group ``place``."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="turns")
    step = models.PositiveIntegerField()
    place = models.PositiveIntegerField()
    num = models.PositiveIntegerField()
    num_correct = models.PositiveIntegerField()
    num_unscored = models.PositiveIntegerField()
    num_truncated = models.PositiveIntegerField()
    mean_tokens = models.FloatField()
    reward = models.FloatField(null=True, help_text="mean over the completions that have one")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prompt", "step", "place"], name="turn_once_a_place")]

    def __str__(self) -> str:
        return f"{self.prompt} at step {self.step}"


class RunAlarm(models.Model):
    """Something that a run's curves warn of, at the first step at which it holds; once a run and kind."""

    training_run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="alarms")
    kind = models.CharField(max_length=20)
    step = models.PositiveIntegerField()
    reason = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["training_run", "kind"], name="alarm_once_a_run")]

    def __str__(self) -> str:
        return f"{self.kind} at step {self.step}"

    @property
    def title(self) -> str:
        """The kind in words."""
        return TITLES[AlarmKind(self.kind)]

    @property
    def advice(self) -> str:
        """What to do about it."""
        return ADVICE[AlarmKind(self.kind)]


class CheckpointCare(models.Model):
    """What people and retention decided about a checkpoint's files. Without a row: nothing yet.

    A checkpoint whose files were removed has no path any more, like one that was never here.
    """

    checkpoint = models.OneToOneField("diagnostics.Checkpoint", on_delete=models.CASCADE, related_name="care")
    pinned_by = models.ForeignKey("auth.User", on_delete=models.PROTECT, null=True, related_name="+")
    removed_by = models.ForeignKey("auth.User", on_delete=models.PROTECT, null=True, related_name="+")
    removed_at = models.DateTimeField(null=True)
    removed_path = models.CharField(max_length=500, blank=True, help_text="files that are still to go")

    def __str__(self) -> str:
        return f"Care for {self.checkpoint}"


class Evaluation(models.Model):
    """Parent and child on the gate split, paired by item, and what the gate says; redoing the stage makes another."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="evaluations")
    before = models.ForeignKey("diagnostics.AnswerRun", on_delete=models.PROTECT, related_name="+")
    after = models.ForeignKey("diagnostics.AnswerRun", on_delete=models.PROTECT, related_name="+")
    target_skills = models.JSONField(default=list)
    margin = models.FloatField()
    margin_signed_by = models.CharField(max_length=150, blank=True)
    verdict = models.CharField(max_length=10, blank=True, help_text="promote or wait")
    reasons = models.JSONField(default=list)
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"Evaluation of {self.round}"


class EvaluationRow(models.Model):
    """One suite: how the paired answers changed."""

    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="rows")
    suite = models.CharField(max_length=160)
    role = models.CharField(max_length=10, help_text="target or protected")
    n = models.PositiveIntegerField()
    num_before = models.PositiveIntegerField()
    num_after = models.PositiveIntegerField()
    num_fixed = models.PositiveIntegerField()
    num_broken = models.PositiveIntegerField()
    lower = models.FloatField()
    ci_low = models.FloatField()
    ci_high = models.FloatField()
    is_ok = models.BooleanField(help_text="a target rose; a protected suite is shown to have lost less than the margin")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["evaluation", "suite"], name="suite_once_an_evaluation")]

    def __str__(self) -> str:
        return f"{self.suite}: {self.num_before} -> {self.num_after} of {self.n}"

    @property
    def before(self) -> float:
        """Accuracy of the parent."""
        return self.num_before / self.n

    @property
    def after(self) -> float:
        """Accuracy of the child."""
        return self.num_after / self.n

    @property
    def diff(self) -> float:
        """Child minus parent."""
        return (self.num_after - self.num_before) / self.n
