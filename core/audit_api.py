"""REST for what was done in a campaign, by whom."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import campaign_of
from core.api_cursor import CURSOR, cursor_page
from core.models import AuditEvent


class AuditEventList(APIView):
    """The campaign's audit events."""

    @extend_schema(operation_id="audit_event_list", parameters=CURSOR, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Newest first; for who has the right to admin."""
        campaign = campaign_of(request, slug, "admin")
        return cursor_page(request, campaign.audit_events.select_related("actor"), event_json)


def event_json(row: AuditEvent) -> dict[str, Any]:
    """An audit event as the API shows it."""
    actor = row.actor.get_username() if row.actor else None
    fields = ("id", "action", "object_type", "object_id", "data", "at")
    return {**{name: getattr(row, name) for name in fields}, "actor": actor}
