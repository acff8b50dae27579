"""The admin's queue: what staff see, and that its actions go through the services as themselves."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.models import AuditEvent
from datagen.models import Sample, SampleDecision
from tests.datagen.curation_rows import make_curated, make_try
from tests.factories import make_member, make_user

pytestmark = pytest.mark.django_db
HOME = "/admin/datagen/candidatesample/"


@pytest.fixture
def mixture():
    return make_curated()


@pytest.fixture
def samples(mixture):
    return [
        make_try(mixture, 0, "held", "unscored", evidence={"plan": "count them", "blind_solves": ["3", "4"]}),
        make_try(mixture, 1, "rejected", "malformed", question=""),
        make_try(mixture, 2, "accepted", slot="filled"),
    ]


@pytest.fixture
def curator(mixture):
    return make_member(mixture.campaign, "curator", make_user("cora", is_staff=True))


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def act(client, action, samples, **form) -> str:
    form = {"action": action, "_selected_action": [one.pk for one in samples], **form}
    return client.post(HOME, form, follow=True).text


def test_the_queue_shows_picture_reason_evidence_question_and_gold(samples, curator):
    text = signed_in(curator).get(HOME).text
    for told in (f"/media/{samples[0].media_id}/thumbnail", "How many in 0?", "3 (number)", "count them", "3, 4"):
        assert told in text, told
    assert "Answers without a score could move it in or out of the band." in text
    assert "How many in 2?" not in text  # it is accepted


@pytest.mark.parametrize(
    ("query", "number"),
    [("", 2), ("?status=held", 1), ("?reason=malformed", 1), ("?reason=too_easy", 0), ("?skill=nothing", 0)],
)
def test_filters_narrow_the_queue_and_count_nothing(samples, curator, query, number):
    with CaptureQueriesContext(connection) as queries:
        page = signed_in(curator).get(HOME + query)
    assert len(page.context["cl"].result_list) == number
    assert not [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]


def test_the_lists_never_show_facets(samples, curator):
    with CaptureQueriesContext(connection) as queries:
        signed_in(curator).get(HOME + "?_facets=True")
    assert not [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]


def test_a_decision_shows_its_dry_run_first_and_is_written_as_the_person(samples, curator):
    client = signed_in(curator)
    text = act(client, "samples_accept", samples[:2])
    assert "1 of 2 would go through; 1 would be refused" in text and "it has no question" in text
    assert not SampleDecision.objects.exists()
    text = act(client, "samples_accept", samples[:2], apply="1", comment="seen")
    assert "1 accepted. 1 refused: 1 × It cannot be used: it has no question." in text
    decision = SampleDecision.objects.get()
    assert (decision.sample_id, decision.actor, decision.comment) == (samples[0].pk, curator, "seen")
    assert AuditEvent.objects.get(action="sample.accept").actor == curator


def test_rejecting_goes_the_same_way(samples, curator):
    assert "1 rejected." in act(signed_in(curator), "samples_reject", samples[:1], apply="1")
    samples[0].refresh_from_db()
    assert samples[0].reason == "rejected_by_person"


def test_a_move_asks_for_the_skill_before_it_shows_what_would_happen(samples, curator):
    client, skill = signed_in(curator), samples[0].slot.skill
    text = act(client, "samples_reassign", samples[:1])
    assert "Choose one" in text and "would go through" not in text
    assert "1 of 1 would go through" in act(client, "samples_reassign", samples[:1], skill=skill)
    assert "1 moved and accepted." in act(client, "samples_reassign", samples[:1], skill=skill, apply="1")
    assert Sample.objects.get(pk=samples[0].pk).slot.skill == skill
    Sample.objects.filter(pk=samples[1].pk).update(question="How many?")
    assert "no slot for" in act(client, "samples_reassign", samples[1:2], skill="dance")


def test_rights_in_the_campaign_decide_and_not_those_of_staff(samples, mixture):
    viewer = make_member(mixture.campaign, "viewer", make_user(is_staff=True))
    text = act(signed_in(viewer), "samples_accept", samples[:1], apply="1")
    assert "0 accepted. 1 refused" in text and "lacks the right to curate" in text
    stranger = signed_in(make_user(is_staff=True))
    assert "How many in" not in stranger.get(HOME).text
    act(stranger, "samples_accept", samples[:1], apply="1")
    assert stranger.get(f"{HOME}{samples[0].pk}/change/").status_code == 302
    assert signed_in(make_member(mixture.campaign, "admin")).get(HOME).status_code == 302
    assert not SampleDecision.objects.exists()


def test_more_than_the_bound_are_turned_away_whole(samples, mixture, curator, monkeypatch):
    monkeypatch.setattr("datagen.services.bulk_curation.MAX_BULK", 1)
    text = act(signed_in(curator), "samples_accept", samples[:2], apply="1")
    assert "name 1 to 1" in text and not SampleDecision.objects.exists()


def test_the_page_of_one_sample_only_shows(samples, curator):
    client = signed_in(curator)
    page = client.get(f"{HOME}{samples[0].pk}/change/")
    assert "count them" in page.text and 'name="_save"' not in page.text
    assert client.post(f"{HOME}{samples[0].pk}/change/", {"status": "accepted"}).status_code == 403


def test_many_rows_cost_as_many_queries_as_few(samples, mixture, curator, django_assert_max_num_queries):
    client = signed_in(curator)
    with django_assert_max_num_queries(14) as few:
        client.get(HOME)
    for index in range(3, 12):
        make_try(mixture, index, "rejected", "too_easy")
    with django_assert_max_num_queries(14) as many:
        client.get(HOME)
    assert len(few) == len(many)
