"""Comparisons of parent and child: by suite and by item, and their items as a file."""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render

from core.pages import number_of
from core.selectors import campaign_open
from core.streams import download
from training.comparison_csv import comparison_csv
from training.comparison_page import comparison_context, comparisons_context, evaluation_of, filter_of


def comparison_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Every comparison of the campaign and what the gate said of it."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    context = {"section": "campaigns", "tab": "comparisons", "campaign": campaign}
    context |= comparisons_context(campaign, number_of(request, "before"))
    return render(request, "training/comparison_list.html", context)


def comparison_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One comparison: suites, reasons, what could be seen, and every item before and after."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    evaluation = evaluation_of(campaign, pk)
    context = {"section": "campaigns", "tab": "comparisons", "campaign": campaign}
    context |= comparison_context(campaign, evaluation, request.GET, number_of(request, "after"))
    return render(request, "training/comparison_detail.html", context)


def comparison_export(request: HttpRequest, slug: str, pk: int) -> StreamingHttpResponse:
    """The items that fit the page's filter as a CSV file."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    evaluation = evaluation_of(campaign, pk)
    pieces = comparison_csv(evaluation, filter_of(request.GET))
    return download(pieces, name=f"{campaign.slug}-comparison-{pk}.csv", mime="text/csv; charset=utf-8")
