"""The mixture's sliders in a real Chromium: the sum stays, and saving stores exactly what the server showed."""

import pytest

from tests.pages.rows import make_round
from tests.pages.test_browser import campaign, pytestmark, tab  # noqa: F401  (fixtures)


@pytest.fixture
def mixture(tab, campaign):  # noqa: F811
    make_round(campaign, "approve", total=100)
    mixture = campaign.mixtures.get()
    tab.goto(f"/campaigns/{campaign.slug}/mixtures/{mixture.pk}/")
    return mixture


def slide(tab, mixture, skill: str, value: int) -> None:  # noqa: F811
    """Drag the skill's slider to ``value`` and wait for the server's word."""
    slider = tab.get_by_label(f"Share of {skill} in samples", exact=True)
    with tab.expect_response("**/try"):
        slider.focus()
        slider.evaluate("(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value)
    tab.wait_for_selector("#mixture-form:not(.is-stale)")


def numbers(tab, selector: str) -> list[float]:  # noqa: F811
    return tab.eval_on_selector_all(selector, "all => all.map(one => Number(one.value ?? one.textContent))")


def test_a_moved_slider_keeps_the_sum_and_what_is_saved_is_what_was_on_screen(tab, mixture):  # noqa: F811
    before = numbers(tab, "[data-share]")
    tab.get_by_text("lock colour").check()
    slide(tab, mixture, "count", 45)
    shares, quotas = numbers(tab, "[data-share]"), numbers(tab, "output")
    assert sum(shares) == pytest.approx(100, abs=0.6)
    assert sum(quotas) == 100
    rows = [row.skill for row in mixture.rows.order_by("id")]
    assert (quotas[rows.index("count")], quotas[rows.index("colour")]) == (45, before[rows.index("colour")])
    assert not tab.get_by_text("Approve 100 samples").is_visible()
    signed = tab.inner_text("#mixture-hash")
    tab.click("text=Save these shares")
    tab.wait_for_selector("text=Saved.")
    mixture.refresh_from_db()
    assert mixture.manifest_hash == signed == tab.inner_text("#mixture-hash")
    assert [row.quota for row in mixture.rows.order_by("id")] == quotas
    assert tab.get_by_text("Approve 100 samples").is_visible()
    assert tab.faults == []


def test_a_slider_that_goes_back_within_one_drag_undoes_itself(tab, mixture):  # noqa: F811
    before, signed = numbers(tab, "output"), tab.inner_text("#mixture-hash")
    slide(tab, mixture, "count", 100)
    assert numbers(tab, "output").count(0) == 10
    slide(tab, mixture, "count", int(before[1]))
    assert (numbers(tab, "output"), tab.inner_text("#mixture-hash")) == (before, signed)


def test_the_replay_slider_moves_its_group_and_a_weak_skill_in_replay_is_warned_about(tab, mixture):  # noqa: F811
    with tab.expect_response("**/try"):
        tab.fill("#replay", "60")
    tab.wait_for_selector("text=replay 60 (60.0%)")
    with tab.expect_response("**/try"):
        tab.get_by_label("Purpose of count", exact=True).select_option("replay")
    tab.wait_for_selector("text=count is shown weak, but replay")
    assert tab.faults == []
