"""Rounds, training runs and evaluations to look at."""

from django.contrib import admin

from core.admin_base import ReadOnlyAdmin
from training.models import (
    CheckpointCare,
    Evaluation,
    EvaluationRow,
    Metric,
    Preflight,
    Prompt,
    Round,
    RoundStage,
    RunAlarm,
    TrainingRun,
    Turn,
)


@admin.register(Round)
class RoundAdmin(ReadOnlyAdmin):
    """Rounds with what was decided."""

    list_display = ("number", "campaign", "parent", "child", "decision", "decided_by", "created_at", "ended_at")
    list_select_related = ("campaign", "parent", "child", "decided_by")
    list_filter = ("decision",)


@admin.register(RoundStage)
class RoundStageAdmin(ReadOnlyAdmin):
    """Takes of stages."""

    list_display = ("pk", "round", "stage", "take", "status", "job", "opened_at", "ended_at")
    list_select_related = ("round", "job")
    list_filter = ("stage", "status")


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    """Training runs."""

    list_display = ("pk", "campaign", "parent", "child", "dataset_id", "run_name", "created_at")
    list_select_related = ("campaign", "parent", "child")


@admin.register(Preflight)
class PreflightAdmin(ReadOnlyAdmin):
    """Pre-flights of training runs."""

    list_display = ("pk", "training_run_id", "take", "run_name", "is_passed", "overridden_by", "created_at")
    list_select_related = ("overridden_by",)
    list_filter = ("is_passed",)


@admin.register(Metric)
class MetricAdmin(ReadOnlyAdmin):
    """Points of curves."""

    list_display = ("training_run_id", "name", "skill", "step", "value")


@admin.register(Prompt)
class PromptAdmin(ReadOnlyAdmin):
    """Prompts of training runs, with how their reward changed."""

    list_display = ("name", "training_run_id", "skill", "purpose", "num_turns", "first_reward", "last_reward", "change")
    list_filter = ("purpose",)


@admin.register(Turn)
class TurnAdmin(ReadOnlyAdmin):
    """Prompts at a step."""

    list_display = ("prompt_id", "step", "place", "num", "num_correct", "num_unscored", "num_truncated", "reward")


@admin.register(RunAlarm)
class RunAlarmAdmin(ReadOnlyAdmin):
    """What curves warned of."""

    list_display = ("training_run_id", "kind", "step", "reason", "created_at")
    list_filter = ("kind",)


@admin.register(CheckpointCare)
class CheckpointCareAdmin(ReadOnlyAdmin):
    """Who pinned a checkpoint, and who removed its files."""

    list_display = ("checkpoint_id", "pinned_by", "removed_by", "removed_at")
    list_select_related = ("pinned_by", "removed_by")


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    """Evaluations with the gate's word."""

    list_display = ("pk", "round", "verdict", "margin", "margin_signed_by", "created_at")
    list_select_related = ("round",)
    list_filter = ("verdict",)


@admin.register(EvaluationRow)
class EvaluationRowAdmin(ReadOnlyAdmin):
    """Suites of evaluations."""

    list_display = ("evaluation_id", "suite", "role", "n", "num_before", "num_after", "lower", "is_ok")
    list_filter = ("role", "is_ok")
