"""Pause, resume and stop, from a job's page, the list, and the round's page."""

import pytest
from django.urls import reverse

from core.models import Job
from tests.factories import make_job
from tests.pages.asking import page, part, send, where
from tests.pages.rows import make_round
from training.models import RoundStage


def make_asking(campaign, status="running", **fields) -> Job:
    return make_job(campaign=campaign, kind="generate", queue="agents", status=status, **fields)


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.status


def test_a_job_is_paused_and_resumed_from_its_page_which_says_how_it_stands(admin, campaign):
    job = make_asking(campaign, lease_host="studio", lease_pid=42)
    assert reverse("job-pause", args=[job.pk]) in page(admin, "job-detail", job.pk)
    assert send(admin, "job-pause", job.pk) == 302
    html = part(admin, "job", "job-detail", job.pk)
    assert "Pauses once the calls in flight are answered and stored." in html
    assert reverse("job-pause", args=[job.pk]) not in html
    paused = "Paused by ada. What was answered is stored."
    Job.objects.filter(pk=job.pk).update(status="paused", error_code="paused_by_person", error_message=paused)
    html = part(admin, "job", "job-detail", job.pk)
    assert paused in html and "What went wrong" not in html and "pid" not in html
    assert "every 2s" in html  # a paused job may go on, so its page goes on looking
    assert send(admin, "job-resume", job.pk) == 302
    assert state(job) == "waiting"
    assert send(admin, "job-resume", job.pk) == 409


def test_paused_jobs_stand_among_the_live_ones_after_those_that_run_and_wait(admin, campaign):
    for status in ("paused", "waiting", "running"):
        make_asking(campaign, status)
    html = part(admin, "jobs-live", "job-list")
    places = [html.index(f"{status}</span>") for status in ("running", "waiting", "paused")]
    assert places == sorted(places)


def test_only_work_that_asks_endpoints_offers_a_pause(admin, campaign):
    job = make_job(campaign=campaign, kind="train", queue="gpu", status="running")
    assert "Pause" not in page(admin, "job-detail", job.pk)
    assert send(admin, "job-pause", job.pk) == 409


@pytest.mark.parametrize("role", ["viewer", "curator"])
def test_who_may_only_look_is_offered_nothing(as_role, campaign, role):
    round = make_round(campaign, "generate")
    client, job = as_role(role), RoundStage.objects.get(round=round, status="open").job
    for html in (page(client, "round-detail", *where(round)), page(client, "job-detail", job.pk)):
        assert "job-pause" not in html and "/pause" not in html and ">Stop" not in html
    assert send(client, "job-pause", job.pk) == 403


def test_a_round_pauses_resumes_and_stops_where_it_stands_and_its_page_stays(admin, campaign):
    round = make_round(campaign, "generate")
    job = RoundStage.objects.get(round=round, status="open").job
    here = reverse("round-detail", args=where(round))
    assert f'name="next" value="{here}"' in page(admin, "round-detail", *where(round))
    answer = admin.post(reverse("job-pause", args=[job.pk]), {"next": here})
    assert answer.headers["Location"] == here
    Job.objects.filter(pk=job.pk).update(status="paused", error_message="Paused by ada.")
    html = part(admin, "round-now", "round-detail", *where(round))
    for shown in ("Generate paused", "Paused by ada.", "412 of 1,000 items", "Resume", "Stop", "every 2s"):
        assert shown in html, shown
    assert "Agents write questions" not in html
    assert "Generate paused" in page(admin, "campaign-detail", campaign.slug)
    assert send(admin, "job-stop", job.pk, next=here) == 302
    assert "Run this stage again" in part(admin, "round-now", "round-detail", *where(round))


def test_a_form_leads_to_no_other_site(admin, campaign):
    job = make_asking(campaign)
    answer = admin.post(reverse("job-pause", args=[job.pk]), {"next": "//evil.example/"})
    assert answer.headers["Location"] == reverse("job-detail", args=[job.pk])


def test_concurrency_is_set_from_the_page_of_a_job_that_feels_it(admin, as_role, campaign):
    job = make_asking(campaign)
    role = campaign.endpoints.first().role
    here = reverse("job-detail", args=[job.pk])
    html = page(admin, "job-detail", job.pk)
    assert 'name="slots"' in html and f'name="calls.{role}"' in html
    wanted = {"slots": "64", **{f"calls.{row.role}": "3" for row in campaign.endpoints.all()}, "next": here}
    answer = admin.post(reverse("concurrency", args=[campaign.slug]), wanted)
    assert answer.headers["Location"] == here
    campaign.refresh_from_db()
    assert campaign.config.generation.concurrency == 64
    assert set(campaign.endpoints.values_list("concurrency", flat=True)) == {3}
    for other in (make_asking(campaign, "succeeded"), make_job(campaign=campaign, queue="gpu", status="running")):
        assert 'name="slots"' not in page(admin, "job-detail", other.pk)
    assert 'name="slots"' not in page(as_role("viewer"), "job-detail", job.pk)
    assert "Slots at once <b>64</b>" in page(as_role("viewer"), "concurrency", campaign.slug)


def test_a_number_out_of_bounds_is_named_beside_its_field(admin, campaign):
    answer = admin.post(reverse("concurrency", args=[campaign.slug]), {"slots": "0"})
    assert answer.status_code == 400
    assert "greater than or equal to 1" in answer.content.decode()
    campaign.refresh_from_db()
    assert campaign.config.generation.concurrency == 32
