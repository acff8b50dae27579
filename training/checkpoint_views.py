"""Pages of the registry of checkpoints, and what people decide there."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat
from django.views.decorators.http import require_POST

from core.pages import number_in, number_of
from core.selectors import campaign_open
from training.checkpoint_page import checkpoint_context, checkpoint_download, checkpoints_context, entry_of
from training.services.checkpoint_care import checkpoint_files_remove, checkpoint_pin, retention_plan
from training.services.merges import base_named, merge_submit

KEEP = 3


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
        keep, seen = number_in(request, "keep"), request.POST.get("seen", "")
        plan = checkpoint_files_remove(actor=user, campaign=campaign, keep_newest=keep, seen=seen)
        messages.success(request, f"Files removed: {len(plan.going)} checkpoints, {filesizeformat(plan.num_bytes)}.")
        return redirect("checkpoint-list", slug)
    campaign, rights = campaign_open(user, slug)
    plan = retention_plan(campaign, number_of(request, "keep") or KEEP)
    context = {"section": "campaigns", "tab": "checkpoints", "campaign": campaign, "rights": rights, "plan": plan}
    return render(request, "training/checkpoint_retention.html", context)
