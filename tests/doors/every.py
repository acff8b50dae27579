"""All doors, and all routes of the site to compare them with."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from tests.doors import core, datagen, diagnostics, launches, training

APPS = (core, diagnostics, datagen, training, launches)
DOORS = [door for app in APPS for door in (*app.PAGES, *app.API)]
PAGES = [door for app in APPS for door in app.PAGES if door.method == "get"]
ELSEWHERE = {"login-link", "logout"}  # a one-time secret and the way out: tests/pages/test_sign_in.py


def routes() -> Iterator[tuple[str, str]]:
    """Each URL name with each method that its view class answers; function views answer with ``?``."""
    for pattern in patterns(get_resolver().url_patterns):
        view = getattr(pattern.callback, "cls", None)
        methods = [name for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)] if view else ["?"]
        yield from ((pattern.name, method) for method in methods)


def patterns(found: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for one in found:
        if isinstance(one, URLPattern):
            yield one
        elif one.app_name != "admin":
            yield from patterns(one.url_patterns)
