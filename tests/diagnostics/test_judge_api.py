"""Judging by REST: what pages do, scripts can do, and bodies are checked."""

import pytest
from django.test import Client

from diagnostics.models import Judging
from tests.pages.judging import make_complete, make_judging, make_labels, make_rulings
from tests.pages.rows import make_checkpoint, make_full_campaign, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    campaign = make_full_campaign()
    return make_complete(make_run(campaign, make_checkpoint(campaign, "judged")))


@pytest.fixture
def client(run) -> Client:
    client = Client()
    client.force_login(run.campaign.created_by)
    return client


def at(run, rest: str) -> str:
    return f"/api/v1/campaigns/{run.campaign.slug}/{rest}"


def post(client: Client, address: str, **body):
    return client.post(address, body, content_type="application/json")


def test_a_judging_is_started_once_and_answers_with_its_job(client, run):
    first = post(client, at(run, f"answer-runs/{run.pk}/judgings"), way="judge")
    again = post(client, at(run, f"answer-runs/{run.pk}/judgings"), way="judge")
    assert (first.status_code, first.json()) == (202, again.json())
    assert Judging.objects.get().job_id == first.json()["job"]


@pytest.mark.parametrize(
    ("body", "field"), [({"way": "coin"}, "way"), ({"way": "judge", "model": "x"}, "model"), ({}, "way")]
)
def test_a_body_that_does_not_fit_names_its_field_and_starts_nothing(client, run, body, field):
    answer = post(client, at(run, f"answer-runs/{run.pk}/judgings"), **body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert not Judging.objects.exists()


def test_a_comparison_says_which_conclusions_flip(client, run):
    judging = make_judging(run)
    told = client.get(at(run, f"judgings/{judging.pk}")).json()
    assert told["judges"][0] == {"role": "judge", "model": "big-judge"}
    assert [skill["skill"] for skill in told["result"]["skills"] if skill["is_flipped"]] == ["count"]
    assert [row["id"] for row in client.get(at(run, f"answer-runs/{run.pk}/judgings")).json()["data"]] == [judging.pk]


def test_answers_that_flip_come_page_by_page_with_each_judges_quote(client, run):
    judging = make_judging(run)
    rulings = make_rulings(judging, 3)
    first = client.get(at(run, f"judgings/{judging.pk}/rulings?limit=2")).json()
    rest = client.get(at(run, f"judgings/{judging.pk}/rulings?limit=2&cursor={first['next_cursor']}")).json()
    assert [row["id"] for row in first["data"] + rest["data"]] == [ruling.pk for ruling in rulings]
    assert rest["next_cursor"] is None
    assert first["data"][0]["verdicts"][0]["evidence"] == "The answer is \\boxed{C}"
    assert client.get(at(run, f"judgings/{judging.pk}/rulings?show=all")).json()["field"] == "show"


def test_a_decision_is_kept_once(client, run):
    ruling = make_rulings(make_judging(run), 1, waiting=True)[0]
    assert post(client, at(run, f"rulings/{ruling.pk}/decide"), outcome="incorrect").json()["strict"] == "incorrect"
    assert post(client, at(run, f"rulings/{ruling.pk}/decide"), outcome="correct").status_code == 409


def test_a_correction_stands_apart_and_moves_precision_and_recall(client, run):
    judging = make_judging(run, "types")
    labels = make_labels(judging, 2)
    post(client, at(run, f"labels/{labels[0].pk}/correct"), image_type="chart_graph", error_type="calculation")
    answer = post(client, at(run, f"labels/{labels[1].pk}/correct"), image_type="diagram", error_type="reasoning")
    assert answer.status_code == 201
    row = client.get(at(run, f"judgings/{judging.pk}/labels")).json()["data"][1]
    assert (row["error_type"], row["correction"]["error_type"]) == ("calculation", "reasoning")
    quality = client.get(at(run, f"judgings/{judging.pk}")).json()["quality"]
    shares = {one["label"]: (one["precision"]["value"], one["recall"]["value"]) for one in quality["error_types"]}
    assert quality["looked_at"] == 2
    assert shares == {"calculation": (0.5, 1.0), "reasoning": (None, 0.0)}


def test_a_judging_by_rules_has_no_labels(client, run):
    assert client.get(at(run, f"judgings/{make_judging(run, 'rule').pk}/labels")).json()["data"] == []


def test_sealed_answers_and_other_campaigns_things_stay_hidden(client, run):
    judging, other = make_judging(run), make_full_campaign()
    ruling = make_rulings(judging, 1, waiting=True)[0]
    run.split = "sealed"
    run.save()
    assert client.get(at(run, f"judgings/{judging.pk}/rulings")).status_code == 403
    assert post(client, at(run, f"rulings/{ruling.pk}/decide"), outcome="correct").status_code == 403
    assert client.get(f"/api/v1/campaigns/{other.slug}/judgings/{judging.pk}").status_code in (403, 404)
