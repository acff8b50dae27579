"""Named errors on pages: a calm page that says what happened, never a traceback."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.errors import DpeError


class NamedErrorMiddleware:
    """Turns a DpeError from a page's view into a page with the right status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Nothing to do on the way in or out."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A page for a named error; anything else is a bug and goes on."""
        if not isinstance(error, DpeError):
            return None
        return render(request, "core/error.html", {"error": error}, status=error.http_status)
