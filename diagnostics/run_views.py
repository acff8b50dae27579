"""Pages of answer runs: all of them, one with its progress, and the form that starts one."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.vary import vary_on_headers

from core.campaign_forms import error_show
from core.errors import InvalidInput, NotAllowed
from core.models import Campaign
from core.pages import number_of, part_wanted
from core.selectors import campaign_open
from diagnostics.models import AnswerRun
from diagnostics.run_form import RunForm
from diagnostics.run_page import run_context, run_live, run_open, runs_context
from diagnostics.services.run_submit import answer_run_submit


def run_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Every answer run of the campaign."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    context = {"section": "campaigns", "tab": "reports", "campaign": campaign, "may_research": "research" in rights}
    context |= runs_context(campaign, number_of(request, "before"))
    return render(request, "diagnostics/run_list.html", context)


@vary_on_headers("HX-Request")
def run_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One run: progress while it goes on, then its counts by skill; its frozen settings against another run's."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    run = run_open(campaign, pk)
    context = {"section": "campaigns", "tab": "reports", "campaign": campaign, **run_live(run)}
    context |= run_context(campaign, run, number_of(request, "with"))
    return render(request, f"diagnostics/{'_run_live' if part_wanted(request) else 'run_detail'}.html", context)


def run_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Start a run by hand."""
    user = cast(User, request.user)
    campaign, rights = campaign_open(user, slug)
    if "research" not in rights:
        raise NotAllowed("Starting an answer run takes the right to research.")
    form = RunForm(campaign, request.POST) if request.method == "POST" else RunForm(campaign)
    if form.is_bound and form.is_valid() and (run := run_started(user, campaign, form)):
        messages.success(request, f"{run.label} waits for a worker: {run.num_items:,} items.")
        return redirect("run-detail", slug, run.pk)
    context = {"section": "campaigns", "tab": "reports", "campaign": campaign, "form": form}
    return render(request, "diagnostics/run_new.html", context, status=400 if form.is_bound else 200)


def run_started(user: User, campaign: Campaign, form: RunForm) -> AnswerRun | None:
    """The run that waits for a worker; None when it was refused, and then the form says why."""
    checkpoint = form.cleaned_data["checkpoint"]
    try:
        return answer_run_submit(actor=user, campaign=campaign, checkpoint_id=checkpoint, **form.choice)[0]
    except InvalidInput as error:
        error_show(form, error)
        return None
