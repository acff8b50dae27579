"""Campaigns, their people and endpoints, jobs, calls and what was done, to look at."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User

from core.admin_base import ReadOnlyAdmin
from core.models import AuditEvent, Budget, Campaign, Endpoint, Job, Membership, ModelCall, Worker

# What a person may do is a role in a campaign; groups would say nothing.
admin.site.unregister([Group, User])


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]  # generic for mypy only
    """Accounts, as Django offers them, without groups."""

    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Rights on the whole site", {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    list_filter = ("is_staff", "is_superuser", "is_active")
    filter_horizontal = ("user_permissions",)


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    """The roots of everything else."""

    list_display = ("slug", "name", "seed", "created_by", "created_at")
    list_select_related = ("created_by",)


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who may do what where."""

    list_display = ("campaign", "user", "role")
    list_select_related = ("campaign", "user")
    list_filter = ("role",)


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    """Who plays which role; a key is known by the name of its variable only."""

    list_display = ("role", "campaign", "base_url", "model", "key_env", "concurrency", "checked_at")
    list_select_related = ("campaign",)
    readonly_fields = ("base_url",)  # no form field is made of it: django 5.2 warns about its scheme


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Long work."""

    list_display = ("pk", "kind", "queue", "campaign", "status", "attempt", "error_code", "created_at", "ended_at")
    list_select_related = ("campaign",)
    list_filter = ("status", "queue")


@admin.register(ModelCall)
class ModelCallAdmin(ReadOnlyAdmin):
    """The ledger."""

    list_display = ("pk", "role", "tool", "subject", "status", "num_sent", "tokens_in", "tokens_out", "cost")
    list_filter = ("status",)


@admin.register(Budget)
class BudgetAdmin(ReadOnlyAdmin):
    """Caps, and what is spent of them."""

    list_display = ("campaign", "scope", "cap_money", "spent_money", "cap_tokens", "spent_tokens", "cap_calls")
    list_select_related = ("campaign",)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what."""

    list_display = ("at", "actor", "action", "campaign", "object_type", "object_id")
    list_select_related = ("actor", "campaign")


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Processes that take jobs."""

    list_display = ("queue", "host", "pid", "seen_at")
