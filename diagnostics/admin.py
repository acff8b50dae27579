"""Checkpoints, benchmarks, runs and reports to look at."""

from django.contrib import admin

from core.admin_base import ReadOnlyAdmin
from diagnostics.models import (
    Answer,
    AnswerRun,
    Benchmark,
    Cell,
    Checkpoint,
    Correction,
    Item,
    Judging,
    Label,
    Report,
    Ruling,
    SkillDiagnosis,
    Verdict,
)


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


@admin.register(Judging)
class JudgingAdmin(ReadOnlyAdmin):
    """Runs judged anew."""

    list_display = ("pk", "campaign", "run", "way", "extractor_version", "is_complete", "created_at")
    list_select_related = ("campaign", "run")
    list_filter = ("way", "is_complete")


@admin.register(Ruling)
class RulingAdmin(ReadOnlyAdmin):
    """What judgings make of answers."""

    list_display = ("pk", "judging_id", "answer_id", "before_strict", "strict", "lenient", "detail", "needs_person")
    list_filter = ("needs_person", "is_flipped")


@admin.register(Label)
class LabelAdmin(ReadOnlyAdmin):
    """Judges' labels of wrong answers."""

    list_display = ("pk", "run_id", "answer_id", "judge", "image_type", "error_type", "fault")
    list_filter = ("error_type",)


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyAdmin):
    """People's words on labels."""

    list_display = ("pk", "label_id", "image_type", "error_type", "made_by", "created_at")
    list_select_related = ("made_by",)
