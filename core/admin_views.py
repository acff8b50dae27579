"""Pages on which a campaign's admin changes its settings, its members and its endpoints."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from core.access import GRANTS
from core.budget_form import budget_panel
from core.campaign_forms import EndpointForm, MemberForm, endpoint_initial, error_show
from core.campaign_settings import settings_problems
from core.campaigns import campaign_settings_set, endpoints_set, is_key_set, member_remove, member_set, settings_hash
from core.endpoint_test import endpoint_test as endpoint_tested
from core.errors import InvalidInput, NotFound
from core.models import Campaign
from core.pages import part_wanted
from core.selectors import campaign_open
from core.settings_form import setting_groups, settings_typed


def campaign_settings(request: HttpRequest, slug: str) -> HttpResponse:
    """What the campaign decides once, and who is in it; an admin changes both."""
    user = cast(User, request.user)
    campaign, rights = campaign_open(user, slug, "admin" if request.method == "POST" else "view")
    typed: dict[str, str] = request.POST.dict() if request.method == "POST" else {}
    document = settings_typed(typed, campaign.config)
    problems = settings_problems(document) if typed else {}
    if typed and not problems:
        campaign_settings_set(actor=user, campaign=campaign, settings=document, seen=typed.get("seen", ""))
        messages.success(request, "The settings are saved.")
        return redirect("campaign-settings", slug)
    context = settings_context(user, campaign, rights, MemberForm())
    context |= {"groups": setting_groups(campaign.config, typed, problems), "num_problems": len(problems)}
    context["seen"] = typed.get("seen") or context["seen"]
    return render(request, "core/campaign_settings.html", context, status=400 if problems else 200)


@require_POST
def member_save(request: HttpRequest, slug: str) -> HttpResponse:
    """Add a person, or change what they may do."""
    user = cast(User, request.user)
    campaign, rights = campaign_open(user, slug, "admin")
    form = MemberForm(request.POST)
    if form.is_valid():
        name, role = form.cleaned_data["user"], form.cleaned_data["role"]
        try:
            member_set(actor=user, campaign=campaign, username=name, role=role)
        except InvalidInput as error:
            error_show(form, error)
        else:
            messages.success(request, f"{name} is {role} now.")
            return redirect("campaign-settings", slug)
    context = settings_context(user, campaign, rights, form)
    return render(request, "core/campaign_settings.html", context, status=400)


@require_POST
def member_drop(request: HttpRequest, slug: str) -> HttpResponse:
    """Remove a person."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug, "admin")
    name = request.POST.get("user", "")
    member_remove(actor=user, campaign=campaign, username=name)
    messages.success(request, f"{name} is no member any more.")
    return redirect("campaign-list") if name == user.get_username() else redirect("campaign-settings", slug)


def settings_context(user: User, campaign: Campaign, rights: frozenset[str], form: MemberForm) -> dict[str, Any]:
    """What the settings page shows."""
    return {
        "section": "campaigns",
        "tab": "settings",
        "campaign": campaign,
        "groups": setting_groups(campaign.config),
        "seen": settings_hash(campaign),
        "members": list(campaign.memberships.select_related("user").order_by("user__username")),
        "roles": list(GRANTS),
        "member_form": form,
        "may_admin": "admin" in rights,
        "budget": budget_panel(user, campaign),
    }


def endpoint_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Who plays which role, what the last test found, and a form to set one."""
    user = cast(User, request.user)
    campaign, rights = campaign_open(user, slug, "admin" if request.method == "POST" else "view")
    form = EndpointForm(request.POST) if request.method == "POST" else None
    if form and form.is_valid() and endpoints_saved(user, campaign, form):
        messages.success(request, f"Set: {', '.join(form.cleaned_data['roles'])}. Test it before a round needs it.")
        return redirect("endpoint-list", slug)
    rows = list(campaign.endpoints.order_by("id"))
    initial = endpoint_initial(rows, request.GET.get("role", ""))
    context = {**endpoint_context(campaign, rights), "rows": [(row, is_key_set(row)) for row in rows]}
    context |= {"form": form or EndpointForm(initial=initial), "role": request.GET.get("role", "")}
    return render(request, "core/endpoint_list.html", context, status=400 if form else 200)


def endpoints_saved(user: User, campaign: Campaign, form: EndpointForm) -> bool:
    """Whether the service took what the form says; if not, the form shows why."""
    fields = form.endpoint_fields
    try:
        endpoints_set(actor=user, campaign=campaign, roles=form.cleaned_data["roles"], fields=fields)
    except InvalidInput as error:
        error_show(form, error)
        return False
    return True


@require_POST
@vary_on_headers("HX-Request")
def endpoint_test(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Make the test call; htmx gets the endpoint's row with what was found."""
    user = cast(User, request.user)
    campaign, rights = campaign_open(user, slug)
    endpoint = campaign.endpoints.select_related("campaign").filter(pk=pk).first()
    if endpoint is None:
        raise NotFound("There is no such endpoint in this campaign.")
    row = endpoint_tested(actor=user, endpoint=endpoint)
    if part_wanted(request):
        context = {**endpoint_context(campaign, rights), "row": row, "is_key_set": is_key_set(row)}
        return render(request, "core/_endpoint_row.html", context)
    said = row.capabilities["error"] or "It answers."
    (messages.error if row.capabilities["error"] else messages.success)(request, f"{row.role}: {said}")
    return redirect("endpoint-list", slug)


def endpoint_context(campaign: Campaign, rights: frozenset[str]) -> dict[str, Any]:
    """What a row of the endpoints' page needs."""
    rights_now = {"may_admin": "admin" in rights, "may_research": "research" in rights}
    return {"section": "campaigns", "tab": "endpoints", "campaign": campaign, **rights_now}
