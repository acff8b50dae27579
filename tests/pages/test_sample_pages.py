"""The samples page: every try with its reason, filtered, page by page."""

import re

import pytest

from datagen.models import Sample, Slot
from tests.pages.asking import page
from tests.pages.rows import (
    make_checkpoint,
    make_mixture,
    make_picture,
    make_report,
    make_run,
    make_sample,
    make_samples,
)


@pytest.fixture
def mixture(campaign):
    mixture = make_mixture(make_report(make_run(campaign, make_checkpoint(campaign, "judged"), num_items=1)), total=30)
    make_samples(mixture)
    return mixture


def place(mixture):
    return mixture.campaign.slug, mixture.pk


def test_a_try_shows_picture_question_gold_difficulty_and_evidence(admin, mixture):
    html = page(admin, "sample-list", *place(mixture), query="?status=accepted")
    for shown in ("/thumbnail", "How many bars", "confirmed by a blind solve", "4 of 9 right", "3, 3, 2", "98.0%"):
        assert shown in html, shown


def test_filters_say_how_many_and_show_only_those(admin, mixture):
    number = Sample.objects.filter(slot__mixture=mixture, status="rejected", reason="too_easy").count()
    html = page(admin, "sample-list", *place(mixture), query="?status=rejected&reason=too_easy")
    assert html.count("<article") == number > 0
    assert re.search(rf"too easy {number}\s*<", html) or "too easy" in html
    assert "accepted</span>" not in html


def test_pages_follow_each_other_until_every_try_was_seen(admin, mixture):
    seen, query = 0, ""
    while query is not None:
        html = page(admin, "sample-list", *place(mixture), query=query)
        seen += html.count("<article")
        more = re.search(r'href="(\?after=\d+)"', html)
        query = more.group(1) if more else None
    assert seen == Sample.objects.filter(slot__mixture=mixture).count() > 24


def test_samples_are_for_members_only(as_role, mixture):
    page(as_role("viewer"), "sample-list", *place(mixture))
    page(as_role("stranger"), "sample-list", *place(mixture), status=403)
    page(as_role("viewer"), "sample-list", mixture.campaign.slug, mixture.pk + 1, status=404)
    page(as_role("viewer"), "sample-list", *place(mixture), query="?after=x", status=400)


def test_a_mixture_without_samples_says_so(admin, campaign):
    empty = make_mixture(make_report(make_run(campaign, make_checkpoint(campaign, "judged"), num_items=1)))
    assert "none has been written yet" in page(admin, "sample-list", *place(empty))


def test_samples_cost_the_same_queries_however_many(admin, mixture, django_assert_max_num_queries):
    with django_assert_max_num_queries(8) as few:
        page(admin, "sample-list", *place(mixture))
    slot, sha256 = Slot.objects.filter(mixture=mixture).first(), make_picture(mixture.campaign, 1)
    for number in range(10, 40):
        make_sample(slot, number, "rejected", "too_easy", sha256)
    with django_assert_max_num_queries(8) as many:
        page(admin, "sample-list", *place(mixture))
    assert len(few) == len(many)
