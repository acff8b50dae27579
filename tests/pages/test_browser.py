"""Every page in a real Chromium: no console error, no request to another host, and people can approve.

Fails where Chromium is missing; with NO_BROWSER=1 it says what was not run instead.
"""

import os
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.test import Client

from core.models import Job
from tests.pages.rows import make_full_campaign, make_round
from training.models import RoundStage

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's sync API runs a loop in the test's thread

SKIPPED = (
    "NO_BROWSER=1: the pages were not opened in Chromium (console errors, foreign requests, approving, live parts)"
)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ARGUMENTS += ["--disable-sync", "--no-first-run"]
pytestmark = pytest.mark.skipif(os.environ.get("NO_BROWSER") == "1", reason=SKIPPED)


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def campaign(transactional_db):
    return make_full_campaign()


@pytest.fixture
def tab(chromium, live_server, campaign):
    """A signed-in tab that collects what must not happen."""
    client = Client()
    client.force_login(campaign.created_by)
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    tab = context.new_page()
    tab.faults = []
    tab.on("console", lambda message: tab.faults.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: tab.faults.append(str(error)))
    host = urlsplit(live_server.url).netloc
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


def test_every_page_loads_without_a_console_error_or_a_foreign_request(tab, campaign):
    round = make_round(campaign, "decide")
    report, mixture = campaign.reports.get(), campaign.mixtures.get()
    root = f"/campaigns/{campaign.slug}"
    pages = ["/", f"{root}/", f"{root}/rounds/{round.number}/", f"{root}/reports/{report.pk}/", "/jobs/", "/password/"]
    pages += [f"{root}/reports/{report.pk}/skills/count/", f"{root}/mixtures/{mixture.pk}/samples/", "/no/such/page"]
    pages += [f"{root}/mixtures/", f"{root}/mixtures/{mixture.pk}/", "/workers/"]
    for path in [*pages, f"/jobs/{campaign.jobs.first().pk}/"]:
        tab.goto(path)
        assert tab.locator("h1").count() == 1
    tab.faults = [fault for fault in tab.faults if "404" not in fault]  # /no/such/page is one
    assert tab.faults == []


def test_nothing_is_wider_than_a_phone(tab, campaign):
    round = make_round(campaign, "decide")
    report, mixture = campaign.reports.get(), campaign.mixtures.get()
    root = f"/campaigns/{campaign.slug}"
    tab.set_viewport_size({"width": 390, "height": 844})
    for path in ("/", f"{root}/", f"{root}/rounds/{round.number}/", f"{root}/reports/{report.pk}/", "/jobs/"):
        tab.goto(path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390, path
    tab.goto(f"{root}/mixtures/{mixture.pk}/samples/")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    for path in (f"{root}/mixtures/", f"{root}/mixtures/{mixture.pk}/", "/workers/"):
        tab.goto(path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_curves_are_drawn_and_their_styles_are_allowed(tab, campaign):
    round = make_round(campaign, "train")
    tab.goto(f"/campaigns/{campaign.slug}/rounds/{round.number}/")
    tab.wait_for_selector("#chart-reward .main-svg", timeout=20_000)
    assert tab.locator("#chart-skills .scatterlayer .trace").count() == 11
    assert tab.evaluate("getComputedStyle(document.querySelector('.main-svg')).position") == "absolute"
    assert tab.faults == []


def test_a_live_region_follows_the_round_without_a_reload(tab, campaign):
    round = make_round(campaign, "mixture")
    tab.goto(f"/campaigns/{campaign.slug}/rounds/{round.number}/")
    assert tab.locator("#round-now h2").inner_text() == "Mixture"
    tab.evaluate("window.isSamePage = true")
    job = Job.objects.filter(round_stage__round=round, status="running")
    with tab.expect_response(lambda answer: "seen=" in answer.url, timeout=10_000):
        pass  # the server rests between two looks: nobody reads while this writes
    job.update(status="failed", error_message="No pool has pictures of this type.")
    tab.wait_for_selector("text=No pool has pictures of this type.", timeout=10_000)
    assert tab.evaluate("window.isSamePage") is True


def test_typed_text_survives_the_refreshes_and_the_mixture_is_approved(tab, campaign):
    round = make_round(campaign, "approve")
    tab.goto(f"/campaigns/{campaign.slug}/rounds/{round.number}/")
    tab.fill("#approve-comment", "looks right")
    with tab.expect_response(lambda answer: "seen=" in answer.url, timeout=10_000):
        pass
    tab.wait_for_timeout(300)
    assert tab.input_value("#approve-comment") == "looks right"
    tab.click("text=Approve 22 samples")
    tab.wait_for_selector("text=Approved. Generation starts.")
    assert RoundStage.objects.get(round=round, status="open").stage == "generate"
    assert tab.faults == []


def test_everything_can_be_reached_by_the_keyboard(tab, campaign):
    round = make_round(campaign, "decide")
    tab.goto(f"/campaigns/{campaign.slug}/rounds/{round.number}/")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    tab.evaluate("window.reached = new Set()")
    tab.evaluate("addEventListener('focusin', ({target}) => reached.add(target.id || target.textContent.trim()))")
    for _ in range(80):
        tab.keyboard.press("Tab")
    assert {"step-train", "now-go", "decide-comment", "Reject it"} <= set(tab.evaluate("[...reached]"))
