"""Dataset pages, and their files."""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render

from core.pages import number_of
from core.selectors import campaign_open
from datagen.dataset_files import FORMATS, dataset_download
from datagen.dataset_page import dataset_context, dataset_of, datasets_context


def dataset_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Every dataset of the campaign."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    context = {"section": "campaigns", "tab": "datasets", "campaign": campaign}
    context |= datasets_context(campaign, number_of(request, "before"))
    return render(request, "datagen/dataset_list.html", context)


def dataset_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One dataset: what it is made of, how hard it is, what made it, and its samples."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    dataset = dataset_of(campaign, pk)
    context = {"section": "campaigns", "tab": "datasets", "campaign": campaign, "formats": FORMATS.items()}
    context |= dataset_context(dataset, number_of(request, "after"))
    return render(request, "datagen/dataset_detail.html", context)


def dataset_file(request: HttpRequest, slug: str, pk: int, kind: str) -> StreamingHttpResponse:
    """One of its files, piece by piece."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    return dataset_download(dataset_of(campaign, pk), kind)
