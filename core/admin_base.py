"""The admin shows rows and changes none: writes go through services, which ask for rights and leave audit events."""

from functools import cached_property
from typing import Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

MAX_LISTED = 1000


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # generic for mypy only
    """Pages over the first ``MAX_LISTED`` rows; a look at so many keys takes the place of COUNT over a large table."""

    @cached_property
    def count(self) -> int:
        """How many rows can be listed; filter or search to see others."""
        rows = cast("QuerySet[Any]", self.object_list)
        return len(rows.values_list("pk")[:MAX_LISTED])


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list and a page a row; nothing can be added, changed or deleted here."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # facets count the table
    paginator = CappedPaginator
    list_per_page = 50
    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never; so delete_selected is not offered either."""
        return False
