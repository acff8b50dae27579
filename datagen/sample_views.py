"""Pages of a campaign's samples: the queue, a sample's story, and what people decide about it."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from core.errors import InvalidInput, WrongState
from core.pages import number_in
from core.selectors import campaign_open
from datagen.bulk_page import ids_of, ids_sent, told, wish_context, wish_of
from datagen.domain.curation import Decision
from datagen.pages import PAGE
from datagen.queue_page import filter_of, neighbours, queue_facets, queue_more, queue_rows
from datagen.sample_page import offers_of, sample_story
from datagen.selectors import sample_of
from datagen.services.bulk_curation import service_of
from datagen.services.curation import sample_decision_undo

DONE = {"accept": "Accepted.", "reject": "Rejected.", "reassign": "Moved and accepted."}


def sample_queue(request: HttpRequest, slug: str) -> HttpResponse:
    """All samples of a campaign, those that wait for a person first."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    wanted = filter_of(request.GET.dict())
    rows = queue_rows(campaign, wanted, request.GET.get("after", ""))
    context = {
        "section": "campaigns",
        "tab": "samples",
        "campaign": campaign,
        "wanted": wanted,
        "facets": queue_facets(campaign, wanted),
        "rows": rows[:PAGE],
        "more": queue_more(rows),
        "may_curate": "curate" in rights,
    }
    return render(request, "datagen/sample_queue.html", context)


def sample_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """A sample's whole story, with the buttons for who may decide."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    sample, wanted = sample_of(campaign, pk), filter_of(request.GET.dict())
    before, after = neighbours(campaign, wanted, sample)
    context = {
        "section": "campaigns",
        "tab": "samples",
        "campaign": campaign,
        "before": before,
        "after": after,
        "may_curate": "curate" in rights,
        "offers": offers_of(sample),
        **sample_story(campaign, sample),
    }
    return render(request, "datagen/sample_detail.html", context)


@require_POST
def sample_decide(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Accept, reject or reassign a sample; what is in the way is said on its page."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug, "curate")
    sample, decision = sample_of(campaign, pk), request.POST.get("decision", "")
    try:
        decide = service_of(decision, request.POST.get("skill", ""))
        decide(actor=user, sample_id=sample.pk, comment=request.POST.get("comment", ""))
        messages.success(request, DONE[Decision(decision)])
    except (InvalidInput, WrongState) as error:
        messages.error(request, str(error))
    return back_to(request, "sample-detail", slug, pk)


@require_POST
def sample_undo(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take the newest decision about a sample back."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug, "curate")
    sample = sample_of(campaign, pk)
    decision = sample.decisions.filter(pk=number_in(request, "decision")).first()
    try:
        sample_decision_undo(actor=user, decision_id=decision.pk if decision else 0)
        messages.success(request, "Taken back: the sample stands as it did before.")
    except WrongState as error:
        messages.error(request, str(error))
    return back_to(request, "sample-detail", slug, pk)


@require_POST
def sample_decide_many(request: HttpRequest, slug: str) -> HttpResponse:
    """The dry run of one decision about the ticked samples, and then the decision itself."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug, "curate")
    try:
        wish = wish_of(request.POST, ids_of(campaign, ids_sent(request.POST)), request.POST.get("decision", ""))
        result = wish.result(user)
    except InvalidInput as error:
        messages.error(request, str(error))
        return back_to(request, "sample-queue", slug)
    if wish.is_real and result:
        level = messages.WARNING if result.refused else messages.SUCCESS
        messages.add_message(request, level, told(result, wish.decision))
        return back_to(request, "sample-queue", slug)
    context = {"section": "campaigns", "tab": "samples", "campaign": campaign, **wish_context(wish, result)}
    return render(request, "datagen/sample_decide_many.html", context)


def back_to(request: HttpRequest, name: str, *args: str | int) -> HttpResponse:
    """The page that the form was sent from, with its filter."""
    query = request.META["QUERY_STRING"]
    return redirect(f"{reverse(name, args=args)}{'?' if query else ''}{query}")
