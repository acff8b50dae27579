"""Pools, mixtures, slots, samples and datasets to look at."""

from django.contrib import admin

from core.admin_base import ReadOnlyAdmin
from datagen.curation_admin import CandidateSampleAdmin
from datagen.models import (
    CandidateSample,
    Dataset,
    Mixture,
    MixtureRow,
    Pool,
    PoolImage,
    Sample,
    SampleDecision,
    Slot,
)

admin.site.register(CandidateSample, CandidateSampleAdmin)


@admin.register(Pool)
class PoolAdmin(ReadOnlyAdmin):
    """Imported folders."""

    list_display = ("name", "campaign", "num_images", "file_hash", "created_at")
    list_select_related = ("campaign",)


@admin.register(PoolImage)
class PoolImageAdmin(ReadOnlyAdmin):
    """Their pictures."""

    list_display = ("media_id", "pool", "image_type", "licence", "source")
    list_select_related = ("pool",)


@admin.register(Mixture)
class MixtureAdmin(ReadOnlyAdmin):
    """What data was or will be made of."""

    list_display = ("pk", "campaign", "policy", "total", "status", "manifest_hash", "approved_by", "approved_at")
    list_select_related = ("campaign", "approved_by")
    list_filter = ("status",)


@admin.register(MixtureRow)
class MixtureRowAdmin(ReadOnlyAdmin):
    """Shares of skills."""

    list_display = ("mixture_id", "skill", "purpose", "weight", "quota", "why")


@admin.register(Slot)
class SlotAdmin(ReadOnlyAdmin):
    """Places for samples."""

    list_display = ("pk", "mixture_id", "index", "skill", "purpose", "num_tries", "status", "reason")
    list_filter = ("status", "purpose")


@admin.register(Sample)
class SampleAdmin(ReadOnlyAdmin):
    """Tries, whatever became of them."""

    list_display = ("pk", "slot", "try_ix", "question", "answer", "status", "reason", "num_correct", "num_scored")
    list_select_related = ("slot",)
    list_filter = ("status",)


@admin.register(SampleDecision)
class SampleDecisionAdmin(ReadOnlyAdmin):
    """What people decided about samples."""

    list_display = (
        "pk",
        "sample_id",
        "decision",
        "actor",
        "comment",
        "status_before",
        "reason_before",
        "at",
        "undone_at",
    )
    list_select_related = ("actor",)
    list_filter = ("decision",)


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    """Immutable sets of accepted samples."""

    list_display = ("manifest_hash", "campaign", "num_samples", "file_hash", "created_at")
    list_select_related = ("campaign",)
