"""Campaigns by REST: from a file, checked, read back, changed by their admins."""

import pytest
from knox.models import AuthToken
from rest_framework.test import APIClient

from core.jobs.engine import execute_next
from core.models import Campaign, Endpoint, Job
from dpe_site.stage_table import HANDLERS
from tests.factories import make_campaign, make_member, make_user
from tests.training.campaign_files import raw_file, write_parts

pytestmark = pytest.mark.django_db
API = "/api/v1/campaigns"


def client_of(user) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {AuthToken.objects.create(user=user)[1]}")
    return client


@pytest.fixture
def client(import_root) -> APIClient:
    write_parts(import_root)
    return client_of(make_user("ada"))


def test_a_campaign_is_made_from_a_file_once_and_read_back_as_one(client):
    first, again = (client.post(f"{API}/from-file", raw_file(), format="json") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert [one["kind"] for one in first.json()["waiting"]] == ["checkpoint", "benchmark", "pool"]
    assert len(client.get(f"{API}/first/imports").json()["data"]) == 3
    while execute_next("work", HANDLERS):
        pass
    assert client.get(f"{API}/first/imports").json()["data"] == []
    file = client.get(f"{API}/first/file").json()
    assert client.post(f"{API}/from-file", file, format="json").json()["waiting"] == []
    assert (file["pools"][0]["name"], file["members"]) == ("photos", [{"user": "ada", "role": "admin"}])
    assert len(file["endpoints"]) == 1


def test_an_import_that_failed_stays_in_the_list_until_it_is_made_good(client, import_root):
    (import_root / "shapes.tsv").write_text("index\tquestion\tanswer\timage\n1\tq\ta\tnonsense\n")
    client.post(f"{API}/from-file", raw_file(), format="json")
    while execute_next("work", HANDLERS):
        pass
    (row,) = client.get(f"{API}/first/imports").json()["data"]
    assert (row["name"], row["status"]) == ("shapes", "failed")
    write_parts(import_root)
    client.post(f"{API}/from-file", raw_file(), format="json")
    while execute_next("work", HANDLERS):
        pass
    assert client.get(f"{API}/first/imports").json()["data"] == []


def test_a_check_writes_nothing(client):
    answer = client.post(f"{API}/check?offline=1", raw_file(pools=[]), format="json").json()
    assert not answer["is_ready"]
    assert {"name": "pool", "status": "fail"}.items() <= answer["data"][4].items()
    assert not Campaign.objects.exists() and not Job.objects.exists()


def test_a_bad_file_is_a_problem_that_names_its_place(client):
    answer = client.post(f"{API}/from-file", raw_file(pools=[{"name": "x", "path": "none"}]), format="json")
    assert (answer.status_code, answer.json()["field"]) == (400, "pools.0.path")
    answer = client.post(f"{API}/from-file", [1], format="json")
    assert answer.status_code == 400


def test_settings_are_changed_by_who_has_read_them():
    campaign = make_campaign()
    client, url = client_of(campaign.created_by), f"{API}/{campaign.slug}/settings"
    etag = client.get(url).headers["ETag"]
    body = {"gate": {"margin": 0.01}}
    assert client.put(url, body, format="json").json()["field"] == "If-Match"
    changed = client.put(url, body, format="json", HTTP_IF_MATCH=etag)
    assert (changed.status_code, changed.json()["gate"]["margin"]) == (200, 0.01)
    assert client.put(url, {}, format="json", HTTP_IF_MATCH=etag).status_code == 409
    viewer = client_of(make_member(campaign, "viewer"))
    assert viewer.get(url).status_code == 200
    assert viewer.put(url, {}, format="json", HTTP_IF_MATCH=etag).status_code == 403


def test_members_are_listed_set_and_removed():
    campaign, bob = make_campaign(), make_user("bob@example.org")
    client, url = client_of(campaign.created_by), f"{API}/{campaign.slug}/members"
    assert client.put(f"{url}/{bob.username}", {"role": "curator"}, format="json").json()["role"] == "curator"
    assert {"user": bob.username, "role": "curator"} in client.get(url).json()["data"]
    assert client_of(bob).put(f"{url}/{bob.username}", {"role": "admin"}, format="json").status_code == 403
    assert client.delete(f"{url}/{bob.username}").status_code == 204
    assert client.delete(f"{url}/{campaign.created_by.username}").status_code == 409
    assert client.put(f"{url}/nobody", {"role": "viewer"}, format="json").json()["field"] == "user"
    assert client.put(f"{url}/{bob.username}", {"role": "king"}, format="json").json()["field"] == "role"


def test_an_endpoint_is_tested_and_its_list_shows_what_was_found(monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    campaign = make_campaign()
    Endpoint.objects.create(campaign=campaign, role="planner", base_url="http://x/v1", model="m", key_env="NO_SUCH_KEY")
    client, url = client_of(campaign.created_by), f"{API}/{campaign.slug}/endpoints"
    answer = client.post(f"{url}/planner/test").json()
    assert "Set NO_SUCH_KEY" in answer["capabilities"]["error"]
    (row,) = client.get(url).json()["data"]
    assert row["checked_at"] and not row["is_key_set"]
    assert client.post(f"{url}/validator/test").status_code == 404
    assert client_of(make_member(campaign, "viewer")).post(f"{url}/planner/test").status_code == 403


def test_strangers_learn_nothing():
    campaign = make_campaign()
    client = client_of(make_user())
    for name in ("settings", "members", "imports", "file"):
        assert client.get(f"{API}/{campaign.slug}/{name}").status_code == 403
