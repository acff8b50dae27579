"""Cursor paging for big collections: ``{"data": [...], "next_cursor": ...}``, no count, no offset."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import InvalidInput
from core.pages import number_of

LIMIT, MAX_LIMIT = 50, 200
CURSOR = [
    OpenApiParameter("cursor", str, description="next_cursor of the answer before"),
    OpenApiParameter("limit", int, description=f"rows an answer, {LIMIT} unless told, at most {MAX_LIMIT}"),
]
Row = TypeVar("Row", bound=Model)


def cursor_page(
    request: Request, rows: QuerySet[Row], show: Callable[[Row], dict[str, Any]], *, key: str = "-pk"
) -> Response:
    """The rows behind the request's cursor as ``show`` writes them, by ``key``: a unique, indexed number."""
    found, following = rows_behind(request, rows, key)
    return Response({"data": [show(row) for row in found], "next_cursor": following})


def rows_behind(request: Request, rows: QuerySet[Row], key: str) -> tuple[list[Row], str | None]:
    """Up to ``limit`` rows behind the cursor, and the cursor of those that follow; None when these are the last."""
    size, cursor = limit_of(request), number_of(request, "cursor")
    name = key.removeprefix("-")
    if cursor is not None:
        rows = rows.filter(**{f"{name}__{'lt' if key.startswith('-') else 'gt'}": cursor})
    found = list(rows.order_by(key)[: size + 1])
    return found[:size], str(getattr(found[size - 1], name)) if len(found) > size else None


def limit_of(request: Request) -> int:
    """How many rows are wanted; InvalidInput beyond what is allowed."""
    size = number_of(request, "limit")
    if size is not None and not 1 <= size <= MAX_LIMIT:
        raise InvalidInput(f"limit must lie between 1 and {MAX_LIMIT}.", field="limit")
    return LIMIT if size is None else size
