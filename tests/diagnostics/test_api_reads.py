"""Looking at reports, answer runs and items through REST."""

import pytest
from rest_framework.test import APIClient

from diagnostics.models import Item
from tests.factories import make_campaign, make_member, make_user
from tests.pages.comparing import answer_items, make_gate_items, make_gate_run
from tests.pages.rows import make_checkpoint, make_full_campaign, make_report, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    return make_full_campaign()


@pytest.fixture
def viewer(campaign) -> APIClient:
    return client_of(make_member(campaign, "viewer"))


@pytest.fixture
def item(campaign):
    item = make_gate_items(campaign, 1)[0]
    answer_items(make_gate_run(campaign, make_checkpoint(campaign, "parent"), [item], "gate"), {item: [True, None]})
    return item


def client_of(person) -> APIClient:
    client = APIClient()
    client.force_authenticate(person)
    return client


def get(client, campaign, rest: str, status: int = 200):
    answer = client.get(f"/api/v1/campaigns/{campaign.slug}/{rest}")
    assert answer.status_code == status, answer.content
    return answer.json()


def test_reports_come_newest_first_with_their_verdicts_counted(campaign, viewer):
    first, second = (make_report(make_run(campaign, make_checkpoint(campaign, name), 1)) for name in "ab")
    body = get(viewer, campaign, "reports?limit=1")
    (row,) = body["data"]
    assert (row["id"], row["weak"], row["not_weak"], row["not_enough_data"]) == (second.pk, 3, 5, 3)
    assert row["checkpoint_name"] == "b"
    following = get(viewer, campaign, f"reports?cursor={body['next_cursor']}")
    assert ([row["id"] for row in following["data"]], following["next_cursor"]) == ([first.pk], None)


def test_an_answer_run_says_what_was_asked_and_which_report_it_made(campaign, viewer):
    run = make_run(campaign, make_checkpoint(campaign, "judged"), 1)
    report = make_report(run)
    assert [row["id"] for row in get(viewer, campaign, "answer-runs")["data"]] == [run.pk]
    body = get(viewer, campaign, f"answer-runs/{run.pk}")
    assert (body["report"], body["num_items"], body["checkpoint_name"]) == (report.pk, 11, "judged")


def test_an_item_comes_with_every_answer_and_verdict(campaign, viewer, item):
    body = get(viewer, campaign, f"items/{item.pk}")
    assert (body["skill"], body["answer"], body["next_cursor"]) == (item.skill, "B", None)
    (run,) = body["runs"]
    assert (run["right"], run["scored"], len(run["answers"])) == (1, 1, 2)
    assert [answer["verdicts"][0]["strict"] for answer in run["answers"]] == ["correct", "unscored"]


def test_a_sealed_item_is_refused(campaign, viewer, item):
    Item.objects.filter(pk=item.pk).update(split="sealed")
    body = get(viewer, campaign, f"items/{item.pk}", 403)
    assert (body["code"], "sealed" in body["detail"]) == ("not_allowed", True)


@pytest.mark.parametrize("rest", ["reports", "answer-runs", "answer-runs/{run}", "items/{item}"])
def test_strangers_and_other_campaigns_learn_nothing(campaign, item, rest):
    run = item.answers.first().run_id
    path, other = rest.format(run=run, item=item.pk), make_campaign()
    get(client_of(make_user()), campaign, path, 403)
    answer = client_of(other.created_by).get(f"/api/v1/campaigns/{other.slug}/{path}")
    assert (answer.status_code, answer.json().get("data", [])) == (404 if "{" in rest else 200, [])
