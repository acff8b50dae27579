"""Checkpoints, benchmarks, runs and reports to look at."""

from django.contrib import admin

from core.admin_base import ReadOnlyAdmin
from diagnostics.models import Answer, AnswerRun, Benchmark, Cell, Checkpoint, Item, Report, SkillDiagnosis, Verdict


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    """Checkpoints by content."""

    list_display = ("name", "campaign", "parent", "content_hash", "num_bytes", "created_at")
    list_select_related = ("campaign", "parent")


@admin.register(Benchmark)
class BenchmarkAdmin(ReadOnlyAdmin):
    """Imported files."""

    list_display = ("name", "campaign", "num_items", "file_hash", "created_at")
    list_select_related = ("campaign",)


@admin.register(Item)
class ItemAdmin(ReadOnlyAdmin):
    """Questions."""

    list_display = ("index", "benchmark", "skill", "image_type", "answer_type", "split")
    list_select_related = ("benchmark",)
    list_filter = ("split", "answer_type")


@admin.register(AnswerRun)
class AnswerRunAdmin(ReadOnlyAdmin):
    """Runs."""

    list_display = ("label", "campaign", "checkpoint", "split", "num_items", "num_answers", "is_complete", "run_name")
    list_select_related = ("campaign", "checkpoint")
    list_filter = ("is_complete", "split")


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin):
    """Answers."""

    list_display = ("pk", "run", "item_id", "sample_ix", "num_tokens", "finish")
    list_select_related = ("run",)


@admin.register(Verdict)
class VerdictAdmin(ReadOnlyAdmin):
    """Verdicts."""

    list_display = ("answer_id", "judge", "extractor_version", "strict", "lenient", "extracted", "detail")
    list_filter = ("strict", "lenient")


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """Reports."""

    list_display = ("pk", "campaign", "run", "num_scored", "num_unscored", "created_at")
    list_select_related = ("campaign", "run")


@admin.register(SkillDiagnosis)
class SkillDiagnosisAdmin(ReadOnlyAdmin):
    """What reports say of skills."""

    list_display = ("report_id", "skill", "n", "k", "low", "high", "shrunken", "verdict", "num_more")


@admin.register(Cell)
class CellAdmin(ReadOnlyAdmin):
    """Frozen counts."""

    list_display = ("report_id", "skill", "image_type", "benchmark_id", "is_strict", "n", "k", "num_clusters")
