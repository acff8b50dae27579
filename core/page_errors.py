"""Named errors on pages: a calm page that says what happened, never a traceback."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from core.api import PROBLEM_JSON, problem_body
from core.errors import DpeError, InvalidInput
from core.pages import NUL_TOLD

API = "/api/"


class NamedErrorMiddleware:
    """Turns a DpeError from a page's view into a page with the right status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The view's answer; a page that is told the character NUL, which no database text can hold, is not asked."""
        field = nul_field(request)
        return self.get_response(request) if field is None else refused(request, InvalidInput(NUL_TOLD, field=field))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A page for a named error; anything else is a bug and goes on."""
        if not isinstance(error, DpeError):
            return None
        return error_page(request, error)


def error_page(request: HttpRequest, error: DpeError) -> HttpResponse:
    """The error as a page with its status."""
    return render(request, "core/error.html", {"error": error}, status=error.http_status)


def refused(request: HttpRequest, error: DpeError) -> HttpResponse:
    """The error as whoever asks reads it: problem+json for the API, else a page."""
    if not request.path.startswith(API):
        return error_page(request, error)
    body = problem_body(error.http_status, error.code, str(error), error.field)
    return JsonResponse(body, status=error.http_status, content_type=PROBLEM_JSON)


def nul_field(request: HttpRequest) -> str | None:
    """Which part of the address or the form holds the character NUL; bodies of the API are read, and checked, later."""
    if "\0" in request.path:
        return "path"
    told = [request.GET] if request.path.startswith(API) else [request.GET, request.POST]
    texts = ((name, text) for part in told for name, values in part.lists() for text in values)
    return next((name for name, text in texts if isinstance(text, str) and "\0" in text), None)
