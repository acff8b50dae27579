"""Named errors on pages: a calm page that says what happened, never a traceback."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.errors import DpeError, InvalidInput
from core.pages import NUL_TOLD


class NamedErrorMiddleware:
    """Turns a DpeError from a page's view into a page with the right status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The view's answer; a page that is told the character NUL, which no database text can hold, is not asked."""
        return error_page(request, InvalidInput(NUL_TOLD)) if has_nul(request) else self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A page for a named error; anything else is a bug and goes on."""
        if not isinstance(error, DpeError):
            return None
        return error_page(request, error)


def error_page(request: HttpRequest, error: DpeError) -> HttpResponse:
    """The error as a page with its status."""
    return render(request, "core/error.html", {"error": error}, status=error.http_status)


def has_nul(request: HttpRequest) -> bool:
    """Whether the address or a form holds the character NUL; bodies of the API are read, and checked, later."""
    told = [request.GET] if request.path.startswith("/api/") else [request.GET, request.POST]
    texts = (text for part in told for _, values in part.lists() for text in values)
    return "\0" in request.path or any("\0" in text for text in texts if isinstance(text, str))
