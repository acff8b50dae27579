"""Pages of judging: judge a run again, see what that changes, decide where judges disagree, correct their labels."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from core.errors import InvalidInput, NotConfigured, WrongState
from core.pages import number_of, part_wanted
from core.selectors import campaign_open
from diagnostics.judge_page import judging_context, run_context
from diagnostics.models import Report
from diagnostics.selectors.rulings import judging_of
from diagnostics.services.corrections import label_correct, ruling_decide
from diagnostics.services.judging import judging_submit, run_complete


def judging_list(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """How a run was judged besides its rules, and the ways to judge it again."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    run = run_complete(campaign, pk)
    context = {"section": "campaigns", "tab": "reports", "campaign": campaign, "may_research": "research" in rights}
    context |= run_context(run, number_of(request, "before"))
    context["report"] = Report.objects.filter(run=run).first()
    return render(request, "diagnostics/judge_run.html", context)


@require_POST
def judging_start(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Judge a run again; what is in the way is said on its page."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug)
    try:
        judging = judging_submit(actor=user, campaign=campaign, run_id=pk, way=request.POST.get("way", ""))
    except (InvalidInput, NotConfigured, WrongState) as error:
        messages.error(request, str(error))
        return redirect("judging-list", slug, pk)
    return redirect("judging-detail", slug, judging.pk)


def judging_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One judging: both scores side by side, what flipped, what waits for a person; or the labels."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    judging = judging_of(campaign, pk)
    context = {"section": "campaigns", "tab": "reports", "campaign": campaign}
    context |= {"may_curate": "curate" in rights, "may_research": "research" in rights}
    context |= judging_context(judging, request.GET.get("show", ""), number_of(request, "after"))
    template = "diagnostics/_judging.html" if part_wanted(request) else "diagnostics/judge_detail.html"
    return render(request, template, context)


@require_POST
def ruling_decide_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """A person's word where judges disagree."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug)
    words = {name: request.POST.get(name, "") for name in ("outcome", "comment")}
    judging = request.POST.get("judging", "")
    try:
        judging = str(ruling_decide(actor=user, campaign=campaign, ruling_id=pk, **words).judging_id)
        messages.success(request, "Decided. Count again to see it in the numbers.")
    except (InvalidInput, WrongState) as error:
        messages.error(request, str(error))
    back = judging if judging.isdecimal() else "0"
    return redirect(f"{reverse('judging-detail', args=[slug, int(back)])}?show=waiting")


@require_POST
def label_correct_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """A person's word on a label; the judge's stays beside it."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug)
    words = {name: request.POST.get(name, "") for name in ("image_type", "error_type", "comment")}
    correction = label_correct(actor=user, campaign=campaign, label_id=pk, **words)
    messages.success(request, "Kept beside the judge's word.")
    return redirect(f"{reverse('item-detail', args=[slug, correction.label.answer.item_id])}#label-{pk}")
