"""The samples page of a mixture: every try with its picture, question, gold answer and evidence."""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.pages import number_of
from core.selectors import campaign_open
from datagen.pages import PAGE, SampleFilter, sample_facets, samples_filtered
from datagen.selectors import mixture_of


def sample_list(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Samples of one mixture, filtered by status, reason and skill."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    mixture = mixture_of(campaign, pk)
    wanted = SampleFilter(**{name: request.GET.get(name, "") for name in ("status", "reason", "skill")})
    samples = samples_filtered(mixture, wanted, number_of(request, "after"))
    context = {
        "section": "campaigns",
        "tab": "samples",
        "campaign": campaign,
        "mixture": mixture,
        "wanted": wanted,
        "facets": sample_facets(mixture),
        "samples": samples[:PAGE],
        "more": samples[PAGE - 1].sample.pk if len(samples) > PAGE else None,
    }
    return render(request, "datagen/sample_list.html", context)
