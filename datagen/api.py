"""REST for pools."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import NamedPathBody, body_of, campaign_of, person_of
from datagen.models import Pool
from datagen.services.pools import pool_submit


class PoolList(APIView):
    """Pools of a campaign."""

    @extend_schema(operation_id="pool_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """All of them, the oldest first; ``images`` is 0 while the import goes on."""
        rows = campaign_of(request, slug).pools.order_by("id")
        return Response({"data": [pool_json(row) for row in rows]})

    @extend_schema(operation_id="pool_import", request=NamedPathBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """Start the import of a folder with a pool.jsonl; the job that does it is at jobs/{id}."""
        body, campaign = body_of(request, NamedPathBody), campaign_of(request, slug, "research")
        job = pool_submit(actor=person_of(request), campaign=campaign, **dict(body))
        return Response({"job": job.pk, "kind": job.kind, "status": job.status}, status=202)


def pool_json(row: Pool) -> dict[str, Any]:
    """A pool as the API shows it."""
    return {"id": row.pk, "name": row.name, "images": row.num_images, "created_at": row.created_at}
