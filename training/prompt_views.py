"""Pages of a training run's prompts."""

from typing import cast

from csp.decorators import csp_update
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.pages import number_of
from core.selectors import campaign_open
from training.prompt_page import prompt_context, prompt_of, prompts_context
from training.selectors.runs import run_of
from training.views import PLOTLY_STYLES


def prompt_list(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The run's prompts by how their reward changed."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    context = prompts_context(run_of(campaign, pk), request.GET, number_of(request, "after"))
    context |= {"section": "campaigns", "tab": "training", "campaign": campaign}
    return render(request, "training/prompt_list.html", context)


@csp_update({"style-src": PLOTLY_STYLES})  # type: ignore[arg-type]  # it only knows views without arguments
def prompt_detail(request: HttpRequest, slug: str, pk: int, prompt: int) -> HttpResponse:
    """One prompt's completions over the steps."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    run = run_of(campaign, pk)
    context = prompt_context(run, prompt_of(run, prompt), number_of(request, "before"))
    context |= {"section": "campaigns", "tab": "training", "campaign": campaign}
    return render(request, "training/prompt_detail.html", context)
