"""Looking at training runs, curves and comparisons through REST."""

import pytest
from rest_framework.test import APIClient

from tests.factories import make_campaign, make_member, make_user
from tests.pages.comparing import make_comparison
from tests.pages.rows import make_full_campaign, make_round
from training.models import Metric

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    return make_full_campaign()


@pytest.fixture
def viewer(campaign) -> APIClient:
    return client_of(make_member(campaign, "viewer"))


@pytest.fixture
def evaluation(campaign):
    return make_comparison(make_round(campaign, "evaluate"), num_items=2, changes=((False, True), (True, True)))


def client_of(person) -> APIClient:
    client = APIClient()
    client.force_authenticate(person)
    return client


def get(client, campaign, rest: str, status: int = 200):
    answer = client.get(f"/api/v1/campaigns/{campaign.slug}/{rest}")
    assert answer.status_code == status, answer.content
    return answer.json()


def test_a_training_run_says_how_it_stands_and_what_it_is_made_of(campaign, viewer):
    round = make_round(campaign, "train")
    run = campaign.training_runs.get()
    (row,) = get(viewer, campaign, "training-runs")["data"]
    assert (row["id"], row["status"], row["round"], row["parent"]) == (run.pk, "running", 1, round.parent_id)
    body = get(viewer, campaign, f"training-runs/{run.pk}")
    assert body["spec"]["settings"]["steps"] == 40


def test_metrics_are_filtered_by_name_and_skill_and_paged(campaign, viewer):
    make_round(campaign, "train", num_steps=5)
    run = campaign.training_runs.get()
    path, seen, query = f"training-runs/{run.pk}/metrics", [], "?name=reward&skill=count&limit=2"
    while query:
        body = get(viewer, campaign, path + query)
        seen += [(row["name"], row["skill"], row["step"]) for row in body["data"]]
        following = body["next_cursor"]
        query = f"?name=reward&skill=count&limit=2&cursor={following}" if following else ""
    assert seen == [("reward", "count", step) for step in range(1, 6)]
    assert {row["skill"] for row in get(viewer, campaign, path + "?skill=")["data"]} == {""}
    assert len(get(viewer, campaign, path + "?limit=200")["data"]) == min(200, Metric.objects.count())


def test_a_comparison_comes_with_its_suites(campaign, viewer, evaluation):
    (row,) = get(viewer, campaign, "evaluations")["data"]
    assert (row["id"], row["before"], row["after"]) == (evaluation.pk, evaluation.before_id, evaluation.after_id)
    body = get(viewer, campaign, f"evaluations/{evaluation.pk}")
    assert [suite["fixed"] for suite in body["rows"]] == [1] * 11
    assert "count" in body["target_skills"]


def test_items_of_a_comparison_are_filtered_and_paged(campaign, viewer, evaluation):
    path, seen, query = f"evaluations/{evaluation.pk}/items", [], "?outcome=fixed&limit=4"
    while query:
        body = get(viewer, campaign, path + query)
        seen += body["data"]
        query = f"?outcome=fixed&limit=4&cursor={body['next_cursor']}" if body["next_cursor"] else ""
    assert len(seen) == len({row["item"] for row in seen}) == 11
    assert {row["outcome"] for row in seen} == {"fixed"}
    assert (seen[0]["before"][0]["strict"], seen[0]["after"][0]["strict"]) == ("incorrect", "correct")
    assert get(viewer, campaign, path + "?outcome=x", 400)["field"] == "outcome"


RUN, COMPARISON = "training-runs/{run}", "evaluations/{pk}"
PLACES = ["training-runs", RUN, f"{RUN}/metrics", "evaluations", COMPARISON, f"{COMPARISON}/items"]


@pytest.mark.parametrize("rest", PLACES)
def test_strangers_and_other_campaigns_learn_nothing(campaign, evaluation, rest):
    path, other = rest.format(run=campaign.training_runs.get().pk, pk=evaluation.pk), make_campaign()
    get(client_of(make_user()), campaign, path, 403)
    answer = client_of(other.created_by).get(f"/api/v1/campaigns/{other.slug}/{path}")
    assert (answer.status_code, answer.json().get("data", [])) == (404 if "{" in rest else 200, [])


def test_items_cost_the_same_queries_however_many(campaign, viewer, evaluation, django_assert_max_num_queries):
    counts = []
    for limit in (1, 20):
        with django_assert_max_num_queries(10) as queries:
            assert len(get(viewer, campaign, f"evaluations/{evaluation.pk}/items?limit={limit}")["data"]) == limit
        counts.append(len(queries))
    assert counts[0] == counts[1]
