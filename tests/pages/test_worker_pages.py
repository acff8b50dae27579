"""The workers' page: who is alive, what to start where nobody is, why a job waits, and what room is left."""

from datetime import timedelta

from django.utils import timezone

from core.jobs.engine import take
from core.machine import folders_measure
from core.models import Job, Worker
from core.workers import worker_seen
from tests.core.test_workers import FAR
from tests.factories import make_campaign, make_job
from tests.pages.asking import page, part, send


def test_a_queue_without_a_worker_says_what_to_start(as_role, campaign):
    make_job(campaign=campaign, queue="gpu", kind="train")
    html = page(as_role("viewer"), "worker-list")
    assert html.count("Nobody takes jobs of this queue") == 3
    assert "python -m celery -A dpe_site worker --pool solo -Q gpu" in html
    assert "Nobody takes jobs of the gpu queue: start a worker for it." in html
    worker_seen("gpu", FAR, timezone.now())
    html = page(as_role("viewer"), "worker-list")
    assert html.count("Nobody takes jobs of this queue") == 2
    assert "elsewhere, pid 7" in html
    assert "A worker takes it in a moment." in html


def test_a_worker_shows_what_it_does_and_jobs_behind_it_their_turn(as_role, campaign):
    worker_seen("gpu", FAR, timezone.now())
    take(make_job(campaign=campaign, queue="gpu", kind="train"), FAR, timezone.now())
    for _ in range(2):
        make_job(campaign=campaign, queue="gpu", kind="evaluate")
    urgent = make_job(campaign=campaign, queue="gpu", kind="diagnose", priority=5)
    html = page(as_role("viewer"), "worker-list")
    assert html.count("alive</span>") == 1
    assert html.index(f"#{urgent.pk}") < html.index("evaluate")
    assert "1 waiting job before it" in html
    assert "2 waiting jobs before it" in html


def test_a_job_that_tries_again_later_says_so_even_where_nobody_works(admin, campaign):
    soon = timezone.now() + timedelta(seconds=60)
    make_job(campaign=campaign, queue="agents", not_before=soon, num_failures=1)
    assert "after failure 1 of 3" in page(admin, "worker-list")


def test_a_silent_worker_is_marked(admin, campaign):
    worker_seen("work", FAR, timezone.now() - timedelta(minutes=3))
    html = page(admin, "worker-list")
    assert "silent" in html
    assert "3\u202fmin ago" in html


def test_a_job_of_another_campaign_is_not_named(as_role, campaign):
    worker_seen("work", FAR, timezone.now())
    take(make_job(campaign=make_campaign(), kind="secret_work"), FAR, timezone.now())
    make_job(campaign=make_campaign(), kind="secret_wish")
    html = page(as_role("viewer"), "worker-list")
    assert "a job of another campaign" in html
    assert "secret" not in html


def test_jobs_are_stopped_and_retried_from_here_by_who_may(as_role, campaign):
    job, client = make_job(campaign=campaign), as_role("researcher")
    assert "/stop" in page(client, "worker-list")
    assert "/stop" not in page(as_role("viewer"), "worker-list")
    assert send(client, "job-stop", job.pk) == 302
    assert "/again" in page(client, "worker-list")
    assert send(client, "job-again", job.pk) == 302
    assert Job.objects.get(pk=job.pk).status == "waiting"


def test_disk_database_and_broker_are_shown(admin, campaign, settings):
    assert "Folders are added up by the worker" in page(admin, "worker-list")
    settings.RUNS_ROOT.mkdir()
    (settings.RUNS_ROOT / "weights").write_bytes(b"x" * 2048)
    folders_measure()
    html = page(admin, "worker-list")
    assert "2.0\xa0KB" in html
    assert str(settings.RUNS_ROOT) in html
    assert "hints reach the workers at once" in html


def test_the_live_part_asks_for_itself_every_five_seconds(admin, campaign):
    html = part(admin, "workers-live", "worker-list")
    assert "every 5s" in html
    assert "<html" not in html


def test_many_jobs_and_workers_cost_the_same_queries(admin, campaign, django_assert_max_num_queries):
    make_job(campaign=campaign)
    with django_assert_max_num_queries(13) as few:
        page(admin, "worker-list")
    Worker.objects.bulk_create(
        Worker(queue="gpu", host="h", boot="b", pid=pid, started=1.0, seen_at=timezone.now()) for pid in range(9)
    )
    for _ in range(6):
        make_job(campaign=campaign, queue="gpu")
    with django_assert_max_num_queries(13) as many:
        page(admin, "worker-list")
    assert len(few) == len(many)
