"""The pages of mixtures: the list, one with its editor, and what people send from there."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from core.errors import InvalidInput
from core.pages import number_of, part_wanted
from core.selectors import campaign_open
from datagen.selectors import mixture_of
from datagen.services.mixture_edits import mixture_edit, mixture_restore
from training.mixture_form import form_read
from training.mixture_page import (
    Draft,
    Place,
    draft_context,
    draft_failed,
    draft_stored,
    draft_tried,
    mixture_context,
)
from training.selectors.mixtures import PAGE, mixture_lines


def mixture_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The campaign's mixtures, newest first."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    lines = mixture_lines(campaign, number_of(request, "before"))
    more = lines[PAGE - 1].mixture.pk if len(lines) > PAGE else None
    context = {"section": "campaigns", "tab": "mixtures", "campaign": campaign, "lines": lines[:PAGE], "more": more}
    return render(request, "datagen/mixture_list.html", context)


def mixture_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One mixture as it is stored."""
    place = place_open(request, slug, pk)
    return mixture_page(request, place, draft_stored(place.mixture))


@require_POST
@vary_on_headers("HX-Request")
def mixture_try(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """What the form's numbers would give, stored nowhere; htmx gets the parts that changed."""
    place = place_open(request, slug, pk)
    stored = draft_stored(place.mixture)
    try:
        draft = draft_tried(stored, form_read(request.POST.dict(), stored.rows), place.user)
    except InvalidInput as error:
        draft = draft_failed(stored, error)
    if part_wanted(request):
        return render(request, "datagen/_mixture_tried.html", {**draft_context(draft), "may_edit": True})
    return mixture_page(request, place, draft)


@require_POST
def mixture_save(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Store the form's numbers if the mixture is still the one that was seen."""
    place = place_open(request, slug, pk)
    stored, seen = draft_stored(place.mixture), request.POST.get("manifest_hash", "")
    try:
        edit = form_read(request.POST.dict(), stored.rows).edit
        mixture_edit(actor=place.user, mixture_id=pk, seen_hash=seen, edit=edit)
    except InvalidInput as error:
        return mixture_page(request, place, draft_failed(stored, error))
    messages.success(request, "Saved. Whoever had the old numbers open cannot approve them any more.")
    return redirect("mixture-detail", slug, pk)


@require_POST
def mixture_back(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Back to what the policy proposed."""
    place = place_open(request, slug, pk)
    mixture_restore(actor=place.user, mixture_id=pk, seen_hash=request.POST.get("manifest_hash", ""))
    messages.success(request, "The policy's own proposal is back.")
    return redirect("mixture-detail", slug, pk)


def place_open(request: HttpRequest, slug: str, pk: int) -> Place:
    """The mixture of a campaign that this person may view, and what they may do there."""
    user = cast(User, request.user)
    campaign, rights = campaign_open(user, slug)
    return Place(campaign, mixture_of(campaign, pk), user, rights)


def mixture_page(request: HttpRequest, place: Place, draft: Draft) -> HttpResponse:
    """The whole page with a draft; 400 when the draft holds an error."""
    context = mixture_context(place, draft)
    return render(request, "datagen/mixture_detail.html", context, status=400 if draft.error else 200)
