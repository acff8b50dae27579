"""A real Chromium for tests of pages. Fails where it is missing; NO_BROWSER=1 skips, and says what was not run."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's sync API runs a loop in the test's thread

SKIPPED = (
    "NO_BROWSER=1: the pages were not opened in Chromium (console errors, foreign requests, keyboard, approving, "
    "live parts)"
)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ARGUMENTS += ["--disable-sync", "--no-first-run"]
needs_browser = pytest.mark.skipif(os.environ.get("NO_BROWSER") == "1", reason=SKIPPED)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser for one module: while it lives, its event loop runs in this thread, and nobody else's can."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def tab_open(chromium: Any, url: str, user: User, width: int = 1280) -> Iterator[Any]:
    """A signed-in tab at the site ``url``; ``tab.faults`` collects what must not happen."""
    client = Client()
    client.force_login(user)
    context = chromium.new_context(base_url=url, viewport={"width": width, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])
    tab = context.new_page()
    tab.faults = []
    tab.on("console", lambda message: tab.faults.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: tab.faults.append(str(error)))
    host = urlsplit(url).netloc
    tab.on(
        "request", lambda asked: tab.faults.append(asked.url) if urlsplit(asked.url).netloc not in (host, "") else None
    )
    yield tab
    context.close()
    wait_for_server_threads()


def wait_for_server_threads(seconds: float = 10.0) -> None:
    """Return when the live server answers nobody any more: the database is emptied next."""
    deadline = time.monotonic() + seconds
    while any("process_request_thread" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "a request does not end"
        time.sleep(0.02)
