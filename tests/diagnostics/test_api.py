"""REST of the diagnosis: who may, what a bad body is told, what comes back."""

import pytest
from django.test import override_settings
from django.urls import include, path
from rest_framework.test import APIClient

from core.models import Job
from diagnostics.handlers import report_job
from tests.diagnostics.makers import (
    make_answers,
    make_checkpoint,
    make_folder,
    make_items,
    make_run,
    tsv_row,
    write_tsv,
)
from tests.factories import make_campaign, make_context, make_job, make_member, make_user

pytestmark = pytest.mark.django_db
urlpatterns = [path("api/v1/", include("diagnostics.api_urls"))]


@pytest.fixture(autouse=True)
def own_urls():
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def campaign():
    return make_campaign()


def client_of(person) -> APIClient:
    client = APIClient()
    client.force_authenticate(person)
    return client


def url_of(campaign, rest: str) -> str:
    return f"/api/v1/campaigns/{campaign.slug}/{rest}"


KINDS = [("checkpoints", "checkpoint_register"), ("benchmarks", "benchmark_import")]


@pytest.mark.parametrize(("what", "kind"), KINDS)
def test_an_import_is_accepted_as_a_job(campaign, import_root, what, kind):
    make_folder(import_root / "checkpoints")
    (import_root / "benchmarks").write_text("x")
    client = client_of(make_member(campaign, "researcher"))
    answer = client.post(url_of(campaign, what), {"name": " mini ", "path": what}, format="json")
    assert answer.status_code == 202
    job = Job.objects.get(pk=answer.data["job"])
    assert (job.kind, job.campaign, job.spec) == (kind, campaign, {"name": "mini", "path": str(import_root / what)})
    again = client.post(url_of(campaign, what), {"name": "mini", "path": what}, format="json")
    assert again.data["job"] == job.pk


@pytest.mark.parametrize(("what", "kind"), KINDS)
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"path": "x"}, "name"),
        ({"name": "x"}, "path"),
        ({"name": "", "path": "x"}, "name"),
        ({"name": "x" * 121, "path": "x"}, "name"),
        ({"name": "x", "path": ["x"]}, "path"),
        ({"name": "x", "path": "x", "seed": 1}, "seed"),
        ({"name": "x", "path": "/etc/passwd"}, "path"),
        ({"name": "x", "path": "../../etc"}, "path"),
        ({"name": "x", "path": "gone"}, "path"),
    ],
)
def test_a_bad_body_is_a_problem_that_names_the_field(campaign, what, kind, body, field):
    answer = client_of(campaign.created_by).post(url_of(campaign, what), body, format="json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.data["field"] == field
    assert not Job.objects.exists()


def test_a_body_that_is_no_json_is_a_problem(campaign):
    client = client_of(campaign.created_by)
    answer = client.post(url_of(campaign, "benchmarks"), "{", content_type="application/json")
    assert answer.status_code == 400
    assert client.post(url_of(campaign, "benchmarks"), [1], format="json").status_code == 400


@pytest.mark.parametrize("what", ["checkpoints", "benchmarks", "reports/1"])
def test_who_is_not_signed_in_or_no_member_learns_nothing(campaign, what):
    assert APIClient().get(url_of(campaign, what)).status_code == 401
    assert client_of(make_user()).get(url_of(campaign, what)).status_code == 403


@pytest.mark.parametrize("what", ["checkpoints", "benchmarks"])
@pytest.mark.parametrize("role", ["viewer", "curator"])
def test_a_viewer_and_a_curator_may_look_and_not_import(campaign, what, role):
    client = client_of(make_member(campaign, role))
    assert client.get(url_of(campaign, what)).status_code == 200
    answer = client.post(url_of(campaign, what), {"name": "x", "path": "x"}, format="json")
    assert (answer.status_code, answer.data["code"]) == (403, "not_allowed")


def test_lists_show_what_the_campaign_has_and_nothing_of_others(campaign):
    row = make_checkpoint(campaign, name="base", num_bytes=5)
    items = make_items(campaign, "count", 3)
    make_checkpoint(other := make_campaign())
    make_items(other, "count", 3)
    client = client_of(make_member(campaign, "viewer"))
    (checkpoint,) = client.get(url_of(campaign, "checkpoints")).data["data"]
    assert (checkpoint["id"], checkpoint["name"], checkpoint["parent"]) == (row.pk, "base", None)
    assert (checkpoint["content_hash"], checkpoint["num_bytes"]) == (row.content_hash, 5)
    (benchmark,) = client.get(url_of(campaign, "benchmarks")).data["data"]
    assert (benchmark["name"], benchmark["items"]) == (items[0].benchmark.name, 3)


def test_a_report_shows_every_skill(campaign):
    items = make_items(campaign, "count", 40)
    run = make_answers(make_run(campaign, items), dict.fromkeys(items, "w"))
    context = make_context(make_job(campaign=campaign, spec={"run_id": run.pk}))
    pk = report_job(context)["report_id"]
    client = client_of(make_member(campaign, "viewer"))
    answer = client.get(url_of(campaign, f"reports/{pk}"))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["id"], body["run"], body["tau"], body["coverage"]) == (pk, run.pk, 0.7, 1.0)
    (skill,) = body["skills"]
    assert (skill["skill"], skill["n"], skill["k"], skill["verdict"]) == ("count", 40, 0, "weak")
    assert client.get(url_of(campaign, "reports/999")).status_code == 404
    other = make_campaign(actor=campaign.created_by)
    assert client_of(campaign.created_by).get(url_of(other, f"reports/{pk}")).status_code == 404


def test_a_benchmark_goes_from_a_post_to_its_items(campaign, import_root):
    from diagnostics.handlers import benchmark_import_job

    write_tsv(import_root / "b.tsv", [tsv_row(n) for n in range(2)])
    client = client_of(campaign.created_by)
    job = client.post(url_of(campaign, "benchmarks"), {"name": "b", "path": "b.tsv"}, format="json").data["job"]
    assert benchmark_import_job(make_context(Job.objects.get(pk=job)))["items"] == 2
    assert client.get(url_of(campaign, "benchmarks")).data["data"][0]["items"] == 2
