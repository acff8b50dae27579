"""REST of jobs and workers: filtered, page by page, and only what one may know of."""

import pytest
from django.utils import timezone

from core.models import JobEvent
from core.workers import worker_seen
from tests.core.test_api import client_of
from tests.core.test_workers import FAR
from tests.factories import make_campaign, make_job, make_member, make_user

pytestmark = pytest.mark.django_db


def ids(answer) -> list[int]:
    return [row["id"] for row in answer.json()["data"]]


def test_jobs_are_filtered_and_come_page_by_page():
    campaign = make_campaign()
    jobs = [make_job(campaign=campaign, queue=queue, status=status) for queue in ("work", "gpu")
            for status in ("waiting", "failed")]  # fmt: skip
    client = client_of(campaign.created_by)
    assert ids(client.get("/api/v1/jobs")) == [job.pk for job in reversed(jobs)]
    assert ids(client.get("/api/v1/jobs?status=failed&queue=gpu")) == [jobs[3].pk]
    first = client.get("/api/v1/jobs?limit=3")
    rest = client.get(f"/api/v1/jobs?limit=3&cursor={first.json()['next_cursor']}")
    assert (ids(rest), rest.json()["next_cursor"]) == ([jobs[0].pk], None)
    assert first.json()["data"][0]["campaign"] == campaign.slug


def test_jobs_of_one_campaign_and_none_of_others():
    mine, other = make_campaign(), make_campaign()
    job = make_job(campaign=mine)
    make_job(campaign=other)
    client = client_of(make_member(mine, "viewer"))
    assert ids(client.get("/api/v1/jobs")) == ids(client.get(f"/api/v1/jobs?campaign={mine.slug}")) == [job.pk]
    assert client.get(f"/api/v1/jobs?campaign={other.slug}").status_code == 403
    assert ids(client_of(make_user()).get("/api/v1/jobs")) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [("status=odd", "status"), ("queue=odd", "queue"), ("cursor=x", "cursor"), ("limit=0", "limit")],
)  # fmt: skip
def test_a_bad_filter_is_named(query, field):
    answer = client_of(make_user()).get(f"/api/v1/jobs?{query}")
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_many_jobs_cost_the_same_queries(django_assert_max_num_queries):
    campaign = make_campaign()
    client = client_of(campaign.created_by)
    make_job(campaign=campaign)
    with django_assert_max_num_queries(4) as few:
        client.get("/api/v1/jobs")
    for _ in range(8):
        make_job(campaign=campaign)
    with django_assert_max_num_queries(4) as many:
        client.get("/api/v1/jobs")
    assert len(few) == len(many)


def test_a_job_tells_its_events_newest_first():
    job = make_job()
    events = [JobEvent.objects.create(job=job, attempt=1, name=name) for name in ("claimed", "failed")]
    client = client_of(job.campaign.created_by)
    assert ids(client.get(f"/api/v1/jobs/{job.pk}/events")) == [events[1].pk, events[0].pk]
    assert client_of(make_user()).get(f"/api/v1/jobs/{job.pk}/events").status_code == 403


def test_workers_are_shown_by_queue_with_what_the_installation_stands_on():
    worker_seen("gpu", FAR, timezone.now())
    answer = client_of(make_user()).get("/api/v1/workers").json()
    gpu = next(row for row in answer["data"] if row["queue"] == "gpu")
    assert (gpu["alive"], gpu["workers"][0]["host"], gpu["workers"][0]["job"]) == (1, "elsewhere", None)
    assert {folder["name"] for folder in answer["machine"]["folders"]} == {"media", "runs", "datasets"}
