"""The queue of samples and a sample's page: what they tell, and what people can do there."""

import re

import pytest
from django.urls import reverse

from core.models import Endpoint, ModelCall
from datagen.models import Dataset, Sample, SampleDecision, Slot
from datagen.pages import PAGE
from datagen.services.curation import sample_reassign
from tests.pages.asking import page, send
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


@pytest.fixture
def held(mixture):
    slot = Slot.objects.filter(mixture=mixture, status="filled").first()
    Sample.objects.filter(slot=slot).update(status="rejected", reason="too_easy")
    Slot.objects.filter(pk=slot.pk).update(status="given_up", num_tries=9)
    return make_sample(slot, 8, "held", "solvers_split", make_picture(mixture.campaign, 77))


def place(sample):
    return sample.slot.mixture.campaign.slug, sample.pk


def shown(html: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'/samples/(\d+)/\?[^"]*"\s+data-card', html)]


def test_the_queue_starts_with_what_is_held_and_then_what_is_rejected(admin, mixture, held):
    html = page(admin, "sample-queue", mixture.campaign.slug)
    statuses = list(Sample.objects.in_bulk(shown(html)).values())
    by_id = {one.pk: one.status for one in statuses}
    order = [by_id[pk] for pk in shown(html)]
    assert order == sorted(order) and order[0] == "held" and set(order) == {"held", "rejected"}


def test_pages_of_the_queue_show_every_sample_once(admin, mixture, held):
    seen, query = [], "?status=all"
    while query:
        html = page(admin, "sample-queue", mixture.campaign.slug, query=query)
        seen += shown(html)
        more = re.search(r'href="(\?[^"]*after=[^"]+)">Next samples', html)
        query = more.group(1).replace("&amp;", "&") if more else ""
    assert sorted(seen) == sorted(Sample.objects.values_list("pk", flat=True)) and len(seen) > PAGE


def test_each_number_is_what_its_filter_shows(admin, mixture, held):
    html = page(admin, "sample-queue", mixture.campaign.slug, query="?status=rejected")
    for href, number in re.findall(r'href="(\?[^"]*reason=\w+[^"]*)"\s*>[^<]*? (\d+)</a>', html):
        assert len(shown(page(admin, "sample-queue", mixture.campaign.slug, query=href.replace("&amp;", "&")))) == int(
            number
        )
    assert "reason=too_easy" in html


@pytest.mark.parametrize(
    "query", ["?status=lost", "?mixture=x", "?after=held", "?after=held.x", "?mixture=9999999999999999999"]
)
def test_a_bad_filter_is_said_and_not_guessed(admin, mixture, query):
    page(admin, "sample-queue", mixture.campaign.slug, query=query, status=400)


def test_an_empty_queue_says_what_would_be_here(admin, campaign):
    assert "Nothing waits for a person" in page(admin, "sample-queue", campaign.slug)
    assert "No sample fits" in page(admin, "sample-queue", campaign.slug, query="?status=accepted")


def test_a_samples_page_tells_its_whole_story(admin, mixture, held):
    other = make_picture(mixture.campaign, 99)
    evidence = {
        "plan": "Compare two bars.",
        "candidates": [
            {"sha256": other, "score": 6.5, "reason": "blurred", "usable": False},
            {"sha256": "f" * 64, "score": 1},
        ],
        "model_answers": {"4": 5, "3": 2},
        "something_new": {"deep": [1, "<b>"]},
    }
    Sample.objects.filter(pk=held.pk).update(evidence=evidence)
    make_call(held, "planner", "Plan it", ['{"plan": "<script>"}'])
    make_call(held, "image_search", "bars", [], suffix="/repair", tool="image_search")
    html = page(admin, "sample-detail", *place(held))
    for text in (
        "Compare two bars.",
        "4 ×5, 3 ×2",
        "6.5",
        "blurred",
        "usable</span> no",
        "Something new",
        "planner-v1",
        "Plan it",
    ):
        assert text in html, text
    assert f"/media/{other}" in html and "/media/" + "f" * 64 not in html
    assert "&lt;script&gt;" in html and "<script>" not in html
    assert html.count('class="fold call"') == 2 and html.index("Plan it") < html.index("image_search")


def make_call(sample, role, text, choices, *, suffix="", tool="", try_ix=None):
    campaign = sample.slot.mixture.campaign
    endpoint = None if tool else Endpoint.objects.filter(campaign=campaign).first()
    try_ix = sample.try_ix if try_ix is None else try_ix
    subject = f"{sample.slot.mixture.manifest_hash[:12]}/s{sample.slot.index}/t{try_ix}{suffix}"
    key = f"{subject}{role}"[:64]
    return ModelCall.objects.create(
        campaign=campaign, endpoint=endpoint, tool=tool, role=role, subject=subject, idempotency_key=key,
        request_hash="h" * 64, prompt_version=f"{role}-v1", status="answered", inputs={"text": text}, choices=choices,
    )  # fmt: skip


def test_calls_of_other_tries_are_not_told_and_a_moved_sample_keeps_its_own(admin, campaign, mixture, held):
    make_call(held, "planner", "mine", [])
    make_call(held, "planner", "not mine", [], suffix="1")
    sample_reassign(actor=campaign.created_by, sample_id=held.pk, skill=free_skill(held))
    html = page(admin, "sample-detail", *place(held))
    assert "mine</pre>" in html and "not mine" not in html
    assert f"in slot {held.slot.index}" in html


def free_skill(sample) -> str:
    free = Slot.objects.filter(mixture=sample.slot.mixture, status__in=["open", "given_up"])
    return free.exclude(pk=sample.slot_id).first().skill


def test_a_curator_accepts_and_takes_it_back(as_role, held):
    curator = as_role("curator")
    assert 'value="accept"' in page(curator, "sample-detail", *place(held))
    assert send(curator, "sample-decide", *place(held), decision="accept", comment="looks right") == 302
    html = page(curator, "sample-detail", *place(held))
    assert "Accepted." in html and "looks right" in html and 'value="accept"' not in html and 'value="reject"' in html
    decision = SampleDecision.objects.get()
    assert send(curator, "sample-undo", *place(held), decision=str(decision.pk)) == 302
    assert "taken back" in page(curator, "sample-detail", *place(held))
    held.refresh_from_db()
    assert held.status == "held"


def test_a_sample_moves_to_another_skill(as_role, held):
    curator = as_role("curator")
    assert send(curator, "sample-decide", *place(held), decision="reassign", skill=free_skill(held)) == 302
    assert "Moved and accepted." in page(curator, "sample-detail", *place(held))


def test_what_is_in_the_way_is_said_on_the_page(as_role, held):
    curator = as_role("curator")
    for form, said in (
        ({"decision": "accept", "comment": "x" * 2001}, "longer than 2,000"),
        ({"decision": "eat"}, "decision must be"),
        ({"decision": "reassign", "skill": "dance"}, "no slot for"),
    ):
        assert send(curator, "sample-decide", *place(held), **form) == 302
        assert said in page(curator, "sample-detail", *place(held))
    assert not SampleDecision.objects.exists()


def test_the_page_says_that_a_built_dataset_ends_all_decisions(admin, mixture, held):
    facts = {"manifest_hash": "m", "file_hash": "f", "path": "/d", "num_samples": 1}
    Dataset.objects.create(campaign=mixture.campaign, mixture=mixture, **facts)
    html = page(admin, "sample-detail", *place(held))
    assert "never changes" in html and 'name="decision"' not in html


def test_viewers_look_and_strangers_learn_nothing(as_role, held):
    html = page(as_role("viewer"), "sample-detail", *place(held))
    assert "role curator or higher" in html and 'name="decision"' not in html
    assert send(as_role("viewer"), "sample-decide", *place(held), decision="accept") == 403
    assert send(as_role("viewer"), "sample-undo", *place(held), decision="1") in (403, 404)
    page(as_role("stranger"), "sample-detail", *place(held), status=403)
    page(as_role("stranger"), "sample-queue", place(held)[0], status=403)
    page(as_role("viewer"), "sample-detail", place(held)[0], held.pk + 1000, status=404)


def test_a_decision_keeps_the_filter_and_neighbours_keep_to_it(admin, mixture, held):
    url = reverse("sample-decide", args=place(held)) + "?status=held"
    assert admin.post(url, {"decision": "accept"}).url.endswith(f"/samples/{held.pk}/?status=held")
    html = page(admin, "sample-detail", *place(held), query="?status=rejected")
    for rel, order in (("prev", "-pk"), ("next", "pk")):
        found = re.search(rf'rel="{rel}"[^>]*samples/(\d+)/\?status=rejected', html)
        if found:
            assert Sample.objects.get(pk=found.group(1)).status == "rejected", order


def test_the_list_of_a_mixture_leads_to_each_sample(admin, mixture):
    html = page(admin, "sample-list", mixture.campaign.slug, mixture.pk)
    assert f'/samples/{Sample.objects.order_by("pk").first().pk}/"' in html


def test_many_samples_cost_as_many_queries_as_few(admin, mixture, held, django_assert_max_num_queries):
    with django_assert_max_num_queries(9) as few_rows:
        page(admin, "sample-queue", mixture.campaign.slug)
    make_call(held, "planner", "x", [])
    with django_assert_max_num_queries(20) as few_calls:
        page(admin, "sample-detail", *place(held))
    sha256 = make_picture(mixture.campaign, 1)
    for number in range(20, 60):
        make_sample(held.slot, number, "rejected", "too_easy", sha256)
        make_call(held, f"role{number}", "x", ["y"])
    with django_assert_max_num_queries(9) as many_rows:
        page(admin, "sample-queue", mixture.campaign.slug)
    with django_assert_max_num_queries(20) as many_calls:
        page(admin, "sample-detail", *place(held))
    assert (len(few_rows), len(few_calls)) == (len(many_rows), len(many_calls))


def many(client, held, *samples, **form):
    url = reverse("sample-decide-many", args=[place(held)[0]]) + "?status=held"
    return client.post(url, {"sample": [one.pk for one in samples], **form}, follow=True).text


def test_ticked_samples_are_decided_after_a_look_at_what_would_happen(as_role, held):
    curator = as_role("curator")
    other = Sample.objects.filter(status="rejected").exclude(slot=held.slot).filter(slot__status="filled").first()
    html = many(curator, held, held, other, decision="accept")
    assert "1 of 2 would go through; 1 would be refused" in html and "is filled by its try" in html
    assert not SampleDecision.objects.exists()
    html = many(curator, held, held, other, decision="accept", apply="1", comment="both seen")
    assert "1 accepted. 1 refused: 1 × Slot" in html
    assert SampleDecision.objects.get().comment == "both seen"


def test_ticked_samples_move_to_a_skill_that_is_asked_for_first(as_role, held):
    curator, skill = as_role("curator"), free_skill(held)
    assert "Choose one" in many(curator, held, held, decision="reassign")
    assert "1 of 1 would go through" in many(curator, held, held, decision="reassign", skill=skill)
    assert "1 moved and accepted." in many(curator, held, held, decision="reassign", skill=skill, apply="1")


def test_a_bulk_form_that_is_not_right_is_said_on_the_queue(as_role, held):
    curator = as_role("curator")
    assert "Tick the samples" in many(curator, held, decision="accept")
    assert "decision must be" in many(curator, held, held, decision="eat")
    assert "has no sample 1000000" in many(curator, held, Sample(pk=1000000), decision="accept")
    assert "You may not do this here" in many(as_role("viewer"), held, held, decision="accept", apply="1")
    assert "data-tick" not in page(as_role("viewer"), "sample-queue", place(held)[0])
    assert not SampleDecision.objects.exists()
