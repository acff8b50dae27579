"""What every page asks of its request."""

from typing import cast

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from core.errors import InvalidInput

MAX_ID = 2**63 - 1


class HtmxRequest(HttpRequest):
    """A request as HtmxMiddleware leaves it."""

    htmx: HtmxDetails


def htmx_of(request: HttpRequest) -> HtmxDetails:
    """What htmx says about the request; false when it did not send it."""
    return cast(HtmxRequest, request).htmx


def part_wanted(request: HttpRequest) -> str:
    """The id of the live region that asks for itself; empty when the whole page is wanted."""
    htmx = htmx_of(request)
    if not htmx or htmx.boosted or htmx.history_restore_request:
        return ""
    return str(htmx.target or "part")


def number_of(request: HttpRequest, name: str) -> int | None:
    """A number in the query string; None when absent, InvalidInput when it is none."""
    value = request.GET.get(name, "")
    if not value:
        return None
    if not value.isdecimal() or int(value) > MAX_ID:
        raise InvalidInput(f"{name} must be a number.", field=name)
    return int(value)
