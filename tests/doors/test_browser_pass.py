"""Every page in a real Chromium, from the tables of doors: whoever adds a page cannot forget it here."""

from itertools import pairwise

import pytest
from django.urls import reverse

from tests.browser import needs_browser, tab_open
from tests.doors.every import PAGES
from tests.doors.world import World, make_world

pytestmark = needs_browser
# Elements that act, shown to the eye but out of the keyboard's reach; and how many can be reached.
UNREACHABLE = """() => [...document.querySelectorAll(
    'a, button, input:not([type=hidden]), select, textarea, summary, [role=button], [hx-trigger*=click], [onclick]')]
  .filter((one) => one.checkVisibility() && !one.disabled && one.tabIndex < 0 && one.getAttribute('type') !== 'radio')
  .map((one) => one.outerHTML.slice(0, 120))"""
FOCUS = "() => { const one = document.activeElement; return one === document.body ? '' : one.outerHTML.slice(0, 200); }"


@pytest.fixture
def world(transactional_db) -> World:
    return make_world()


def addresses(world: World) -> dict[str, str]:
    return {door.name: reverse(door.name, kwargs=door.args(world)) for door in PAGES if not door.is_file}


def test_no_page_has_a_console_error_or_asks_another_host_or_hides_from_the_keyboard(chromium, live_server, world):
    wrong = {}
    with tab_open(chromium, live_server.url, world.people["admin"]) as tab:
        for name, address in addresses(world).items():
            tab.faults.clear()
            tab.goto(address)
            found = [*tab.faults, *tab.evaluate(UNREACHABLE), *keyboard_faults(tab)]
            if tab.locator("h1").count() != 1:
                found.append("not one h1")
            if found:
                wrong[name] = found
    assert wrong == {}


def keyboard_faults(tab, presses: int = 6) -> list[str]:
    """Tab comes first to the skip link, unless a form has the focus already, and never stays where it is."""
    is_free = tab.evaluate("document.activeElement === document.body")
    seen = []
    for _ in range(presses):
        tab.keyboard.press("Tab")
        seen.append(tab.evaluate(FOCUS))
    faults = [f"the first stop is {seen[0]!r}"] if is_free and "Skip to the content" not in seen[0] else []
    return faults + [f"focus stays at {one}" for one, other in pairwise(seen) if one and one == other]


def test_no_page_is_wider_than_a_phone(chromium, live_server, world):
    with tab_open(chromium, live_server.url, world.people["admin"], width=390) as tab:
        widths = {}
        for name, address in addresses(world).items():
            tab.goto(address)
            widths[name] = tab.evaluate("document.documentElement.scrollWidth")
    assert {name: width for name, width in widths.items() if width > 390} == {}
