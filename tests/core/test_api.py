import json
from io import StringIO

import pytest
from django.core.management import call_command
from knox.models import AuthToken
from rest_framework.test import APIClient

from core.models import Job
from tests.factories import make_campaign, make_job, make_member, make_user

pytestmark = pytest.mark.django_db
CAMPAIGN = {"slug": "vl", "name": "VL", "seed": 1, "settings": {}}


def client_of(user) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {AuthToken.objects.create(user=user)[1]}")
    return client


def test_without_a_token_nothing_is_said():
    answer = APIClient().get("/api/v1/campaigns")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_a_token_is_not_stored_in_clear():
    row, token = AuthToken.objects.create(user=make_user())
    assert token not in json.dumps({field.name: str(getattr(row, field.name)) for field in row._meta.fields})


def test_a_campaign_is_made_once_and_found_again():
    client = client_of(make_user())
    first, again = (client.post("/api/v1/campaigns", CAMPAIGN, format="json") for _ in range(2))
    other = client.post("/api/v1/campaigns", {**CAMPAIGN, "seed": 2}, format="json")
    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 409]
    assert [row["slug"] for row in client.get("/api/v1/campaigns").json()["data"]] == ["vl"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"slug": "../x"}, "slug"),
        ({"seed": "NaN"}, "seed"),
        ({"extra": 1}, "extra"),
        ({"settings": {"a": 1}}, "settings.a"),
    ],
)
def test_a_bad_body_is_a_problem_that_names_the_field(change, field):
    answer = client_of(make_user()).post("/api/v1/campaigns", CAMPAIGN | change, format="json")
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_broken_json_is_a_problem_too():
    answer = client_of(make_user()).post("/api/v1/campaigns", "{", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


def test_strangers_see_neither_campaign_nor_job():
    job = make_job()
    client = client_of(make_user())
    assert client.get(f"/api/v1/campaigns/{job.campaign.slug}").status_code == 403
    assert client.get(f"/api/v1/jobs/{job.pk}").status_code == 403
    assert client.get("/api/v1/campaigns").json()["data"] == []


def test_endpoints_are_set_by_role_and_never_show_a_key(monkeypatch):
    monkeypatch.setenv("TEACHER_KEY", "very secret")
    campaign = make_campaign()
    one = {"role": "planner", "base_url": "http://127.0.0.1:9/v1", "model": "teacher", "key_env": "TEACHER_KEY"}
    url = f"/api/v1/campaigns/{campaign.slug}/endpoints"
    answer = client_of(campaign.created_by).put(url, {"endpoints": [one]}, format="json")
    assert answer.json()["data"][0]["model"] == "teacher"
    assert "very secret" not in answer.content.decode()
    viewer = make_member(campaign, "viewer")
    assert client_of(viewer).put(url, {"endpoints": [one]}, format="json").status_code == 403


def test_a_job_is_read_cancelled_and_retried():
    job = make_job()
    client = client_of(job.actor)
    url = f"/api/v1/jobs/{job.pk}"
    assert client.get(url).json()["status"] == "waiting"
    assert client.delete(url).json()["status"] == "cancelled"
    assert client.delete(url).status_code == 409
    assert client.post(f"{url}/retry").json()["status"] == "waiting"
    assert client_of(make_member(job.campaign, "viewer")).delete(url).status_code == 403
    assert Job.objects.get().status == "waiting"


def test_a_job_is_paused_and_resumed_and_listed_by_its_status():
    job = make_job(queue="agents")
    client = client_of(job.actor)
    url = f"/api/v1/jobs/{job.pk}"
    paused = client.post(f"{url}/pause").json()
    assert (paused["status"], paused["error_code"]) == ("paused", "paused_by_person")
    assert client.post(f"{url}/pause").status_code == 409
    assert [row["id"] for row in client.get("/api/v1/jobs?status=paused").json()["data"]] == [job.pk]
    assert client_of(make_member(job.campaign, "viewer")).post(f"{url}/resume").status_code == 403
    assert client.post(f"{url}/resume").json()["status"] == "waiting"
    assert client.post(f"{url}/resume").status_code == 409


def test_concurrency_is_read_and_changed_in_part():
    campaign = make_campaign()
    client, url = client_of(make_member(campaign, "researcher")), f"/api/v1/campaigns/{campaign.slug}/concurrency"
    assert client.get(url).json() == {"slots": 32, "calls": {}}
    assert client.patch(url, {"slots": 64}, format="json").json() == {"slots": 64, "calls": {}}
    assert client.patch(url, {"calls": {"planner": 8}}, format="json").json()["field"] == "calls.planner"
    assert client.patch(url, {"slots": 0}, format="json").status_code == 400
    assert client_of(make_member(campaign, "viewer")).patch(url, {"slots": 8}, format="json").status_code == 403


def test_what_is_not_there_is_a_404_problem():
    answer = client_of(make_user()).get("/api/v1/jobs/12345")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_schema_names_every_operation():
    answer = client_of(make_user()).get("/api/v1/schema", HTTP_ACCEPT="application/vnd.oai.openapi+json")
    assert answer.status_code == 200
    assert b"campaign_create" in answer.content


def say(*args: str) -> dict[str, str]:
    out = StringIO()
    call_command("user_create", *args, stdout=out)
    return json.loads(out.getvalue())


def test_a_person_is_made_with_a_password_a_token_and_a_link_that_works_once(client):
    said = say("ada", "--token", "--login-link")
    assert client.get(said["login_path"]).status_code == 302
    client.logout()
    assert client.get(said["login_path"]).status_code == 403
    assert client.login(username="ada", password=said["password"])
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {said['token']}")
    assert api.get("/api/v1/campaigns").status_code == 200


def test_making_a_person_again_keeps_the_password():
    assert "password" in say("ada")
    assert say("ada") == {"user": "ada"}
