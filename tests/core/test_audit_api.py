"""Audit events through REST: for admins, newest first, page by page."""

import pytest
from rest_framework.test import APIClient

from core.access import audit
from core.api_cursor import MAX_LIMIT
from tests.factories import make_campaign, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    campaign = make_campaign()
    for number in range(5):
        audit(campaign.created_by, f"deed.{number}", campaign, campaign=campaign, number=number)
    return campaign


def client_of(person) -> APIClient:
    client = APIClient()
    client.force_authenticate(person)
    return client


def get(client, campaign, query: str = ""):
    return client.get(f"/api/v1/campaigns/{campaign.slug}/audit-events{query}")


def test_events_come_newest_first_and_page_by_page_without_gaps(campaign):
    audit(None, "elsewhere", make_campaign(), campaign=make_campaign())
    client, seen, query = client_of(campaign.created_by), [], "?limit=2"
    while query:
        body = get(client, campaign, query).json()
        seen += [row["action"] for row in body["data"]]
        query = f"?limit=2&cursor={body['next_cursor']}" if body["next_cursor"] else ""
    assert seen == [f"deed.{number}" for number in (4, 3, 2, 1, 0)]


def test_an_event_says_who_did_what_to_what(campaign):
    row = get(client_of(campaign.created_by), campaign).json()["data"][0]
    assert row["actor"] == campaign.created_by.get_username()
    assert (row["object_type"], row["object_id"], row["data"]) == ("core.campaign", str(campaign.pk), {"number": 4})


def test_only_an_admin_reads_them(campaign):
    for role, status in (("approver", 403), ("viewer", 403), ("admin", 200)):
        assert get(client_of(make_member(campaign, role)), campaign).status_code == status
    assert get(APIClient(), campaign).status_code == 401


@pytest.mark.parametrize(
    ("query", "field"), [("limit=0", "limit"), (f"limit={MAX_LIMIT + 1}", "limit"), ("cursor=x", "cursor")]
)
def test_a_bad_page_is_a_problem_that_names_the_field(campaign, query, field):
    answer = get(client_of(campaign.created_by), campaign, f"?{query}")
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_many_events_cost_the_same_queries(campaign, django_assert_max_num_queries):
    counts, client = [], client_of(campaign.created_by)
    for _ in range(2):
        with django_assert_max_num_queries(6) as queries:
            get(client, campaign)
        counts.append(len(queries))
        for number in range(20):
            audit(campaign.created_by, "more", campaign, campaign=campaign, number=number)
    assert counts[0] == counts[1]
