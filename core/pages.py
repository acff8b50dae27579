"""What every page asks of its request."""

from typing import cast

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from core.errors import InvalidInput

MAX_ID = 2**63 - 1
NUL_TOLD = "A text holds the character NUL, which cannot be stored."


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


def back_of(request: HttpRequest, default: str) -> str:
    """Where a form leads back to: the page of this site that it names, else the default."""
    back = request.POST.get("next", "")
    return back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else default


def number_of(request: HttpRequest, name: str) -> int | None:
    """A number in the query string; None when absent, InvalidInput when it is none."""
    value = request.GET.get(name, "")
    return number_read(value, name) if value else None


def number_in(request: HttpRequest, name: str) -> int:
    """A number in the form; InvalidInput when it is absent or none."""
    return number_read(request.POST.get(name, ""), name)


def number_read(text: str, name: str) -> int:
    """The number that a text says; InvalidInput names the field."""
    if not is_id(text):
        raise InvalidInput(f"{name} must be a number.", field=name)
    return int(text)


def is_id(text: str) -> bool:
    """Whether a text can be a row's id; Python itself refuses to read thousands of digits."""
    return text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_ID)) and int(text) <= MAX_ID
