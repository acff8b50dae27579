"""REST for campaigns from files: make one, check one, read one back, and what is being imported."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import campaign_of, person_of
from core.api_views import campaign_json
from core.campaign_file import CampaignFile, campaign_file_parse
from training.preflight import Check, has_failed, preflight
from training.selectors.setups import ImportRow, campaign_file_of, imports_now, imports_reported
from training.services.campaign_setup import Setup, campaign_set_up


class CampaignFromFile(APIView):
    """A whole campaign at once."""

    @extend_schema(operation_id="campaign_from_file", request=CampaignFile, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        """Make it (201) or add what it lacks (200); 409 when another one has its slug."""
        setup = campaign_set_up(actor=person_of(request), file=campaign_file_parse(request.data))
        return Response(setup_json(setup), status=201 if setup.is_new else 200)


class CampaignCheck(APIView):
    """The pre-flight."""

    @extend_schema(operation_id="campaign_check", request=CampaignFile, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        """What stands in the way of this campaign; nothing is written. ``?offline=1`` asks no endpoint."""
        offline = request.query_params.get("offline") == "1"
        checks = preflight(actor=person_of(request), file=campaign_file_parse(request.data), offline=offline)
        return Response({"data": [check_json(check) for check in checks], "is_ready": not has_failed(checks)})


class CampaignAsFile(APIView):
    """The other way round."""

    @extend_schema(operation_id="campaign_file_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """The document that makes this campaign again."""
        return Response(campaign_file_of(campaign_of(request, slug, "admin")).model_dump(mode="json"))


class ImportList(APIView):
    """Imports of a campaign."""

    @extend_schema(operation_id="import_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Those that go on or failed within a week and were not made good; ``reported``: dry runs and predictions."""
        campaign = campaign_of(request, slug)
        reported = [import_json(row) for row in imports_reported(campaign)]
        return Response({"data": [import_json(row) for row in imports_now(campaign)], "reported": reported})


def setup_json(setup: Setup) -> dict[str, Any]:
    """What was made, and what is still to be imported."""
    waiting = [{"kind": one.kind, "name": one.name, "job": one.job.pk} for one in setup.waiting]
    return {"campaign": campaign_json(setup.campaign), "is_new": setup.is_new, "waiting": waiting}


def check_json(check: Check) -> dict[str, str]:
    """A check as the API shows it."""
    return {"name": check.name, "status": check.status, "sentence": check.sentence}


def import_json(row: ImportRow) -> dict[str, Any]:
    """An import as the API shows it; its job tells how far it is."""
    facts = {"kind": row.kind, "name": row.name, "path": row.path, "job": row.job.pk, "status": row.job.status}
    return {**facts, "done": row.job.done, "total": row.job.total, "error_message": row.job.error_message}
