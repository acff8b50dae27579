"""REST for the list of items, saved views, and exports."""

from typing import Any, Literal

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import body_of, campaign_of, person_of
from core.api_cursor import CURSOR, limit_of
from core.pages import number_of
from core.streams import download, file_pieces
from diagnostics.api_reads import item_json
from diagnostics.item_list_page import ItemLine, items_page, views_of
from diagnostics.models import SavedView
from diagnostics.selectors.item_filters import KNOWN, NAMES, filter_of
from diagnostics.services.item_exports import FORMATS, export_open, export_path, items_export_submit
from diagnostics.services.saved_views import view_remove, view_save

FILTERS = [OpenApiParameter(name, str, enum=KNOWN.get(name)) for name in NAMES]


class ViewBody(BaseModel):
    """A filter to keep."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=60)
    query: str = Field(max_length=1500, description="as in the address of the list of items: skill=count&verdict=...")


class ExportBody(BaseModel):
    """What to export."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    query: str = Field(default="", max_length=1500, description="as in the address of the list of items")
    format: Literal["csv", "jsonl"] = "csv"


class ItemList(APIView):
    """Items of a campaign."""

    @extend_schema(operation_id="item_list", parameters=[*FILTERS, *CURSOR], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Page by page in the order of their ids; a page may be short, and only one without next_cursor is the last."""
        campaign, wanted = campaign_of(request, slug), filter_of(request.GET.dict())
        page = items_page(campaign, wanted, number_of(request, "cursor"), limit_of(request))
        following = str(page.more) if page.more is not None else None
        return Response({"data": [line_json(line) for line in page.lines], "next_cursor": following})


class ViewList(APIView):
    """The views that the caller keeps."""

    @extend_schema(operation_id="item_view_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """All of them, by name."""
        campaign = campaign_of(request, slug)
        return Response({"data": [view_json(view) for view in views_of(campaign, person_of(request))]})

    @extend_schema(operation_id="item_view_save", request=ViewBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """Keep a filter under a name; an older one of that name is replaced."""
        body, campaign = body_of(request, ViewBody), campaign_of(request, slug)
        view = view_save(actor=person_of(request), campaign=campaign, name=body.name, query=body.query)
        return Response(view_json(view), status=201)


class ViewDetail(APIView):
    """One view that the caller keeps."""

    @extend_schema(operation_id="item_view_remove", responses={204: None})
    def delete(self, request: Request, slug: str, name: str) -> Response:
        """Forget it."""
        view_remove(actor=person_of(request), campaign=campaign_of(request, slug), name=name)
        return Response(status=204)


class ExportList(APIView):
    """Exports of items."""

    @extend_schema(operation_id="item_export", request=ExportBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """Start one; when its job has succeeded, its file is at exports/{job}."""
        body, campaign = body_of(request, ExportBody), campaign_of(request, slug, "research")
        job = items_export_submit(actor=person_of(request), campaign=campaign, query=body.query, format=body.format)
        return Response({"job": job.pk, "kind": job.kind, "status": job.status}, status=202)


class ExportFile(APIView):
    """The file of an export."""

    @extend_schema(operation_id="item_export_file", responses=OpenApiTypes.BINARY)
    def get(self, request: Request, slug: str, pk: int) -> StreamingHttpResponse:
        """CSV or JSONL, one line a verdict."""
        campaign = campaign_of(request, slug)
        job = export_open(campaign, pk)
        path, (mime, _) = export_path(job), FORMATS[job.spec["format"]]
        name = f"{campaign.slug}-items-{pk}{path.suffix}"
        return download(file_pieces(path), name=name, mime=mime, size=path.stat().st_size)


def line_json(line: ItemLine) -> dict[str, Any]:
    """An item in the list with how its answers were judged."""
    return {**item_json(line.item), "num_right": line.num_right, "num_scored": line.num_scored}


def view_json(view: SavedView) -> dict[str, Any]:
    """A view as the API shows it."""
    return {name: getattr(view, name) for name in ("id", "name", "query", "created_at")}
