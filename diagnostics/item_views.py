"""The list of items: filters in the address, views that a person keeps, exports as files."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from core.errors import InvalidInput
from core.pages import number_of, part_wanted
from core.selectors import campaign_open
from core.streams import download, file_pieces
from diagnostics.item_list_page import exports_context, items_context, views_of
from diagnostics.selectors.item_filters import filter_of
from diagnostics.services.item_exports import FORMATS, export_open, export_path, items_export_submit
from diagnostics.services.saved_views import view_remove, view_save


@vary_on_headers("HX-Request")
def item_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The items that fit the address's filter; the exports ask for themselves while one goes on."""
    user = cast(User, request.user)
    campaign, rights = campaign_open(user, slug)
    context = {"section": "campaigns", "tab": "reports", "campaign": campaign, "may_research": "research" in rights}
    context |= exports_context(campaign)
    if part_wanted(request):
        return render(request, "diagnostics/_exports.html", context)
    context |= items_context(campaign, filter_of(request.GET.dict()), number_of(request, "after"))
    context |= {"views": views_of(campaign, user), "formats": FORMATS}
    return render(request, "diagnostics/item_list.html", context)


@require_POST
def item_view_save(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep a filter under a name."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug)
    query = request.POST.get("query", "")
    try:
        view = view_save(actor=user, campaign=campaign, name=request.POST.get("name", ""), query=query)
        messages.success(request, f"The view {view.name} is kept.")
    except InvalidInput as error:
        messages.error(request, str(error))
    return redirect(f"{reverse('item-list', args=[slug])}?{query}")


@require_POST
def item_view_remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Forget a view."""
    user = cast(User, request.user)
    name = request.POST.get("name", "")
    view_remove(actor=user, campaign=campaign_open(user, slug)[0], name=name)
    messages.success(request, f"The view {name} is removed.")
    return redirect("item-list", slug)


@require_POST
def item_export(request: HttpRequest, slug: str) -> HttpResponse:
    """Start an export of the items that fit a filter."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug)
    query, format = request.POST.get("query", ""), request.POST.get("format", "")
    job = items_export_submit(actor=user, campaign=campaign, query=query, format=format)
    messages.success(request, f"Export #{job.pk} waits for a worker; its link appears below.")
    return redirect(f"{reverse('item-list', args=[slug])}?{job.spec['query']}#exports")


def item_export_file(request: HttpRequest, slug: str, pk: int) -> StreamingHttpResponse:
    """The file of an export that is done."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    job = export_open(campaign, pk)
    path, (mime, _) = export_path(job), FORMATS[job.spec["format"]]
    name = f"{campaign.slug}-items-{pk}{path.suffix}"
    return download(file_pieces(path), name=name, mime=mime, size=path.stat().st_size)
