"""Pages of the registry of checkpoints, and what people decide there."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat, pluralize
from django.views.decorators.http import require_POST

from core.pages import number_in, number_of, number_read
from core.selectors import campaign_open
from training.checkpoint_page import checkpoint_context, checkpoint_download, checkpoints_context, entry_of
from training.domain.retention import RetentionChoice
from training.services.checkpoint_care import RetentionPlan, checkpoint_pin, retention_apply, retention_plan
from training.services.merges import base_named, merge_submit


def checkpoint_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Every checkpoint of the campaign."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    context = checkpoints_context(campaign, number_of(request, "before"))
    context |= {"section": "campaigns", "tab": "checkpoints", "campaign": campaign, "rights": rights}
    return render(request, "training/checkpoint_list.html", context)


def checkpoint_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One checkpoint with its lineage."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    context = checkpoint_context(campaign, pk)
    context |= {"section": "campaigns", "tab": "checkpoints", "campaign": campaign, "rights": rights}
    return render(request, "training/checkpoint_detail.html", context)


def checkpoint_file(request: HttpRequest, slug: str, pk: int) -> StreamingHttpResponse:
    """Its files as a tar."""
    campaign, _ = campaign_open(cast(User, request.user), slug, "research")
    return checkpoint_download(entry_of(campaign, pk)[1])


@require_POST
def checkpoint_keep(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Pin a checkpoint, or take the pin out."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug, "research")
    checkpoint = entry_of(campaign, pk)[1].checkpoint
    checkpoint_pin(actor=user, checkpoint=checkpoint, is_pinned=request.POST.get("pin") == "1")
    return redirect("checkpoint-detail", slug, pk)


@require_POST
def checkpoint_merge(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Merge adapters into their base; the job's page says how it goes."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug, "research")
    adapter = entry_of(campaign, pk)[1].checkpoint
    base = base_named(campaign, number_in(request, "base") if request.POST.get("base") else None)
    return redirect("job-detail", merge_submit(actor=user, adapter=adapter, base=base).pk)


def checkpoint_retention(request: HttpRequest, slug: str) -> HttpResponse:
    """What would be removed, and the button that removes exactly that."""
    user = cast(User, request.user)
    if request.method == "POST":
        campaign, _ = campaign_open(user, slug, "admin")
        choice, seen = choice_in(request.POST), request.POST.get("seen", "")
        plan = retention_apply(actor=user, campaign=campaign, choice=choice, seen=seen)
        messages.success(request, removed_words(plan))
        return redirect("checkpoint-list", slug)
    campaign, rights = campaign_open(user, slug)
    plan = retention_plan(campaign, choice_in(request.GET))
    context = {"section": "campaigns", "tab": "checkpoints", "campaign": campaign, "rights": rights, "plan": plan}
    return render(request, "training/checkpoint_retention.html", context)


def choice_in(asked: QueryDict) -> RetentionChoice:
    """What a form or a query string asks for; what it does not name is as usual."""
    usual = RetentionChoice()
    return RetentionChoice(
        keep_newest=number_read(asked.get("keep") or str(usual.keep_newest), "keep"),
        days=number_read(asked.get("days") or str(usual.days), "days"),
        with_completions=asked.get("completions") in ("1", "true"),
    )


def removed_words(plan: RetentionPlan) -> str:
    """What was removed, for the person who did it."""
    checkpoints, runs = len(plan.going), len({left.run.pk for left in plan.leftovers_going})
    what = f"{checkpoints} checkpoint{pluralize(checkpoints)}, leftovers of {runs} run{pluralize(runs)}"
    return f"Files removed: {what}, {filesizeformat(plan.num_bytes)}."
