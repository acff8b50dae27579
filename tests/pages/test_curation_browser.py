"""Curation in a real Chromium: keys, and an admin that works under the strict policy."""

import pytest
from django.contrib.auth.models import User

from datagen.models import Sample, SampleDecision
from tests.pages.rows import make_checkpoint, make_mixture, make_report, make_run, make_samples
from tests.pages.test_browser import campaign, pytestmark, tab  # noqa: F401


@pytest.fixture
def mixture(campaign):  # noqa: F811
    mixture = make_mixture(make_report(make_run(campaign, make_checkpoint(campaign, "judged"), num_items=1)), total=30)
    make_samples(mixture)
    free = mixture.slots.filter(status="filled").first()
    free.samples.filter(status="accepted").update(status="held", reason="unscored")
    mixture.slots.filter(pk=free.pk).update(status="given_up", num_tries=9)
    return mixture


def test_keys_lead_through_the_queue_and_decide_but_never_while_somebody_types(tab, mixture):  # noqa: F811
    held = Sample.objects.filter(status="held", slot__status="given_up").get()
    tab.goto(f"/campaigns/{mixture.campaign.slug}/samples/?status=held")
    cards = tab.locator("[data-card]")
    for place in range(cards.count()):
        tab.keyboard.press("j")
        assert cards.nth(place).evaluate("card => card === document.activeElement")
    tab.goto(f"/campaigns/{mixture.campaign.slug}/samples/{held.pk}/?status=held")
    tab.locator("#sample-comment").press_sequentially("a j x ?")
    assert tab.input_value("#sample-comment") == "a j x ?" and not SampleDecision.objects.exists()
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("?")
    assert tab.locator("#keys[open]").count() == 1
    tab.keyboard.press("a")
    tab.wait_for_selector("text=Accepted.")
    assert SampleDecision.objects.get().comment == "a j x ?"
    tab.keyboard.press("x")
    tab.wait_for_selector("text=Rejected.")
    tab.click("text=Undo")
    tab.wait_for_selector("text=Taken back")
    assert tab.faults == []


def test_sample_pages_are_not_wider_than_a_phone(tab, mixture):  # noqa: F811
    tab.set_viewport_size({"width": 390, "height": 844})
    for rest in ("", f"{Sample.objects.first().pk}/"):
        tab.goto(f"/campaigns/{mixture.campaign.slug}/samples/{rest}")
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390, rest


def test_the_admins_queue_works_under_the_strict_policy(tab, mixture):  # noqa: F811
    User.objects.filter(pk=mixture.campaign.created_by_id).update(is_staff=True)
    held = Sample.objects.filter(status="held", slot__status="given_up").get()
    tab.goto("/admin/")
    tab.click("text=Rejected or held samples")
    assert tab.evaluate("[...document.images].every((image) => image.naturalWidth > 0 || image.loading === 'lazy')")
    tab.check(f"input[name=_selected_action][value='{held.pk}']")
    tab.select_option("select[name=action]", "samples_accept")
    tab.click("button[name=index]")
    tab.wait_for_selector("text=1 of 1 would go through")
    tab.click("#curation-form input[name=apply]")
    tab.wait_for_selector("text=1 accepted.")
    held.refresh_from_db()
    assert held.status == "accepted"
    tab.goto("/admin/datagen/candidatesample/?status=rejected")
    tab.goto(f"/admin/datagen/candidatesample/{Sample.objects.filter(status='rejected').first().pk}/change/")
    assert tab.faults == []
