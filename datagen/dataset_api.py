"""REST for datasets and their files."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import campaign_of
from core.api_cursor import CURSOR, cursor_page
from datagen.dataset_files import dataset_download
from datagen.dataset_page import dataset_of, datasets_of
from datagen.models import Dataset


class DatasetList(APIView):
    """Datasets of a campaign."""

    @extend_schema(operation_id="dataset_list", parameters=CURSOR, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Newest first, without their manifests."""
        return cursor_page(request, datasets_of(campaign_of(request, slug)), dataset_json)


class DatasetDetail(APIView):
    """One dataset."""

    @extend_schema(operation_id="dataset_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """With its manifest: all that made it, by content."""
        dataset = dataset_of(campaign_of(request, slug), pk)
        runs = list(dataset.training_runs.order_by("id").values_list("pk", flat=True))
        return Response({**dataset_json(dataset), "training_runs": runs, "manifest": dataset.manifest})


class DatasetFile(APIView):
    """A dataset's file."""

    @extend_schema(operation_id="dataset_download", responses={200: OpenApiTypes.BINARY})
    def get(self, request: Request, slug: str, pk: int, kind: str) -> StreamingHttpResponse:
        """``parquet`` as trained on, ``manifest``, ``easyr1``, ``verl``, or the paper's ``jsonl``."""
        return dataset_download(dataset_of(campaign_of(request, slug), pk), kind)


def dataset_json(row: Dataset) -> dict[str, Any]:
    """A dataset in the list."""
    names = ("id", "manifest_hash", "file_hash", "num_samples", "created_at")
    return {**{name: getattr(row, name) for name in names}, "mixture": row.mixture_id}
