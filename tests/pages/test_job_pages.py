"""Jobs: what runs, why one waits, what failed, and stopping or retrying it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.models import Job, JobEvent
from tests.factories import make_job
from tests.pages.asking import page, part, send


def test_a_waiting_job_says_what_it_waits_for(admin, campaign):
    make_job(campaign=campaign, kind="train", queue="gpu", status="running", done=3, total=40, unit="steps")
    make_job(campaign=campaign, kind="evaluate", queue="gpu")
    soon = timezone.now() + timedelta(seconds=60)
    make_job(campaign=campaign, kind="generate", queue="agents", not_before=soon, num_failures=1)
    html = page(admin, "job-list")
    assert "The gpu queue works on train" in html
    assert "after failure 1 of 3" in html
    assert "3 of 40 steps" in html


def test_a_job_that_no_worker_takes_asks_whether_there_is_one(admin, campaign):
    job = make_job(campaign=campaign, queue="work")
    assert "A worker takes it in a moment." in page(admin, "job-list")
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=2))
    assert "is a worker for the work queue running?" in page(admin, "job-list")


def test_a_silent_worker_is_seen(admin, campaign):
    make_job(campaign=campaign, status="running", lease_until=timezone.now() - timedelta(seconds=5))
    assert "fell silent" in page(admin, "job-list")


def test_failures_can_be_listed_alone_with_their_messages(admin, campaign):
    make_job(campaign=campaign, kind="pool_import", status="succeeded", ended_at=timezone.now())
    bug = 'Traceback:\n  File "x"\nValueError: odd'
    make_job(
        campaign=campaign, kind="report", status="errored", error_code="bug", error_message=bug, ended_at=timezone.now()
    )
    html = page(admin, "job-list", query="?show=failures")
    assert "ValueError: odd" in html
    assert "pool import" not in html


def test_ended_jobs_come_page_by_page(admin, campaign):
    Job.objects.bulk_create(
        Job(campaign=campaign, actor=campaign.created_by, kind="old", status="succeeded", ended_at=timezone.now())
        for _ in range(27)
    )
    first = page(admin, "job-list")
    assert first.count("succeeded") == 25
    before = first.split("?before=")[1].split('"')[0]
    assert page(admin, "job-list", query=f"?before={before}").count("succeeded") == 2


def test_a_job_shows_its_error_and_events_and_stops_asking_when_it_ended(admin, campaign):
    job = make_job(campaign=campaign, status="running", attempt=1)
    assert "every 2s" in page(admin, "job-detail", job.pk)
    JobEvent.objects.create(job=job, attempt=1, name="failed", message="The disk is full.")
    Job.objects.filter(pk=job.pk).update(status="failed", error_code="disk_full", error_message="The disk is full.")
    html = part(admin, "job", "job-detail", job.pk)
    assert "disk_full" in html
    assert "hx-get" not in html


def test_stopping_and_retrying_go_through_the_services(as_role, campaign):
    job, researcher = make_job(campaign=campaign), as_role("researcher")
    assert "Stop" in page(researcher, "job-list")
    assert send(researcher, "job-stop", job.pk) == 302
    job.refresh_from_db()
    assert job.status == "cancelled"
    assert send(researcher, "job-again", job.pk) == 302
    assert send(researcher, "job-again", job.pk) == 409
    job.refresh_from_db()
    assert job.status == "waiting"


@pytest.mark.parametrize("role", ["viewer", "curator"])
def test_who_may_only_look_can_neither_stop_nor_retry(as_role, campaign, role):
    job, client = make_job(campaign=campaign), as_role(role)
    assert "job-stop" not in page(client, "job-list")
    assert "Stop" not in page(client, "job-list")
    assert send(client, "job-stop", job.pk) == 403
    assert send(client, "job-again", job.pk) == 403


def test_a_stranger_sees_no_job_and_learns_nothing_of_one(as_role, campaign):
    job, stranger = make_job(campaign=campaign, kind="secret_work", status="running"), as_role("stranger")
    assert "secret" not in page(stranger, "job-list")
    html = page(stranger, "job-detail", job.pk, status=404)
    assert "secret" not in html
    assert campaign.name not in html
    assert send(stranger, "job-stop", job.pk) == 404


def test_a_get_stops_nothing(admin, campaign):
    job = make_job(campaign=campaign)
    page(admin, "job-stop", job.pk, status=405)


def test_many_jobs_cost_the_same_queries(admin, campaign, django_assert_max_num_queries):
    make_job(campaign=campaign)
    with django_assert_max_num_queries(12) as few:
        page(admin, "job-list")
    for _ in range(6):
        make_job(campaign=campaign, status="running", queue="gpu")
    with django_assert_max_num_queries(12) as many:
        page(admin, "job-list")
    assert len(few) == len(many)
