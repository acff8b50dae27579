"""The admin's queue of samples that no dataset uses: its actions ask the services, first as a dry run."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.admin_base import ReadOnlyAdmin
from core.errors import InvalidInput
from core.selectors import campaigns_visible
from datagen.bulk_page import told, wish_context, wish_of
from datagen.models import CandidateSample, Slot
from datagen.pages import REASONS, evidence_lines
from datagen.queue_page import WAITING
from datagen.services.bulk_curation import MAX_BULK


class Chosen(admin.SimpleListFilter):
    """A filter over one column whose values are read without counting anything."""

    column = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The samples with the chosen value."""
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class StatusFilter(Chosen):
    """Held or rejected."""

    title, parameter_name, column = "status", "status", "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The two."""
        return [(name, name) for name in WAITING]


class ReasonFilter(Chosen):
    """Why a sample is not used."""

    title, parameter_name, column = "reason", "reason", "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """All reasons that there are."""
        return [(name, name.replace("_", " ")) for name in REASONS]


class SkillFilter(Chosen):
    """The skill of the sample's slot."""

    title, parameter_name, column = "skill", "skill", "slot__skill"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The skills of this person's campaigns."""
        slots = Slot.objects.filter(mixture__campaign__in=campaigns_visible(cast(User, request.user)))
        names = slots.order_by("skill").values_list("skill", flat=True).distinct()
        return [(name, name) for name in names]


class CampaignFilter(Chosen):
    """The campaign."""

    title, parameter_name, column = "campaign", "campaign", "slot__mixture__campaign__slug"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """This person's campaigns."""
        return [(one.slug, one.name) for one in campaigns_visible(cast(User, request.user))]


class CandidateSampleAdmin(ReadOnlyAdmin):
    """Rejected and held samples of the campaigns that this person may view; rights there decide on every action."""

    list_display = ("picture", "question", "gold", "why", "evidence_told", "skill")
    list_filter = (StatusFilter, ReasonFilter, SkillFilter, CampaignFilter)
    list_display_links = ("question",)
    list_select_related = ("slot__mixture__campaign",)
    fields = ("picture", "question", "options", "gold", "why", "evidence_told", "skill", "campaign")
    readonly_fields = fields
    actions = ("samples_accept", "samples_reject", "samples_reassign")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff; which samples they see is a matter of their campaigns."""
        return bool(request.user.is_active and request.user.is_staff)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Staff."""
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """What waits for a person in this person's campaigns."""
        mine = campaigns_visible(cast(User, request.user)).order_by()
        return super().get_queryset(request).filter(status__in=WAITING, slot__mixture__campaign__in=mine)

    @admin.display(description="picture")
    def picture(self, row: CandidateSample) -> SafeString | str:
        """The small picture, which leads to the large one."""
        if row.media_id is None:
            return "none"
        large, small = reverse("media-detail", args=[row.media_id]), reverse("media-thumbnail", args=[row.media_id])
        return format_html('<a href="{}"><img src="{}" alt="picture" width="96" loading="lazy"></a>', large, small)

    @admin.display(description="gold answer")
    def gold(self, row: CandidateSample) -> str:
        """The proposed answer with its type."""
        return f"{row.answer or '–'} ({row.answer_type or 'no type'})"

    @admin.display(description="reason", ordering="reason")
    def why(self, row: CandidateSample) -> str:
        """The status, and the reason as a sentence."""
        return f"{row.status.capitalize()}: {REASONS.get(row.reason, row.reason)}"

    @admin.display(description="evidence")
    def evidence_told(self, row: CandidateSample) -> SafeString:
        """What speaks for or against it, a line each."""
        lines = [(label, text[:200]) for label, text in evidence_lines(row.evidence)]
        if row.num_scored is not None:
            lines.insert(0, ("Difficulty", f"{row.num_correct} of {row.num_scored} right"))
        return format_html_join(SafeString("<br>"), "{}: {}", lines)

    @admin.display(description="skill and story")
    def skill(self, row: CandidateSample) -> SafeString:
        """The slot's skill and purpose, and the way to the sample's own page."""
        url = reverse("sample-detail", args=[row.slot.mixture.campaign.slug, row.pk])
        place = f"{row.slot.skill} ({row.slot.purpose})"
        return format_html('{}<br><a href="{}">Whole story</a>', place, url)

    @admin.display(description="campaign")
    def campaign(self, row: CandidateSample) -> str:
        """Its name."""
        return row.slot.mixture.campaign.name

    @admin.action(description="Accept the selected samples")
    def samples_accept(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Let them fill their slots."""
        return self.decide(request, queryset, "accept")

    @admin.action(description="Reject the selected samples")
    def samples_reject(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Take held ones out for good."""
        return self.decide(request, queryset, "reject")

    @admin.action(description="Reassign the selected samples to a skill")
    def samples_reassign(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Accept them for other slots."""
        return self.decide(request, queryset, "reassign")

    def decide(self, request: HttpRequest, queryset: QuerySet[Any], decision: str) -> HttpResponse | None:
        """A page with the dry run, or what came of the decision as a message."""
        ids = list(queryset.order_by("pk").values_list("pk", flat=True)[: MAX_BULK + 1])
        wish = wish_of(request.POST, ids, decision)
        try:
            result = wish.result(cast(User, request.user))
        except InvalidInput as error:
            self.message_user(request, str(error), messages.ERROR)
            return None
        if wish.is_real and result:
            level = messages.WARNING if result.refused else messages.SUCCESS
            self.message_user(request, told(result, decision), level)
            return None
        head = {**self.admin_site.each_context(request), "title": wish.title, "opts": self.opts}
        return TemplateResponse(request, "datagen/admin_decide.html", {**head, **wish_context(wish, result)})
