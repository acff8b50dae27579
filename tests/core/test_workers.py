"""Workers say that they live without a statement more for a running job; the dead are forgotten."""

import os
import time
from datetime import timedelta

import pytest
from celery import current_app
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.jobs.context import JobContext
from core.jobs.engine import Handler, reap, take, work
from core.jobs.lease import Lease, own_lease
from core.machine import MEASURE_EVERY_S, broker_answers, folders_measure, machine_now
from core.models import Job, Worker
from core.worker_page import queues_now
from core.workers import FORGET_AFTER, worker_seen
from tests.factories import make_campaign, make_job, make_user

pytestmark = pytest.mark.django_db
FAR = Lease("elsewhere", "boot", 7, 1.0)


def views(queue: str = "work", person=None) -> list:
    person = person or make_user(is_superuser=True)
    return next(view for view in queues_now(person, timezone.now()) if view.name == queue).workers


def test_a_look_says_that_the_worker_lives_in_one_statement():
    worker_seen("work", own_lease(), timezone.now())
    with CaptureQueriesContext(connection) as asked:
        worker_seen("work", own_lease(), timezone.now())
    assert len(asked) == 1
    assert [(view.is_alive, view.is_busy, view.pid) for view in views()] == [(True, False, os.getpid())]


def test_one_process_may_take_jobs_of_two_queues():
    for queue in ("work", "gpu"):
        worker_seen(queue, own_lease(), timezone.now())
    assert (len(views("work")), len(views("gpu")), len(views("agents"))) == (1, 1, 0)


def test_a_worker_says_so_before_every_job_and_after_the_last():
    make_job(), make_job()
    seen = []

    def run(context):
        Worker.objects.update(seen_at=timezone.now() - timedelta(hours=9))
        seen.append(Worker.objects.get().queue)
        return {}

    work("work", {"test": Handler(run)})
    assert seen == ["work", "work"]
    assert Worker.objects.get().seen_at > timezone.now() - timedelta(seconds=5)


def test_a_worker_that_did_not_look_for_three_periods_is_silent():
    worker_seen("work", FAR, timezone.now() - timedelta(seconds=14))
    assert views()[0].is_alive
    Worker.objects.update(seen_at=timezone.now() - timedelta(seconds=16))
    assert not views()[0].is_alive


def test_a_worker_at_a_long_job_lives_as_long_as_its_lease_is_fresh_and_is_not_forgotten():
    worker_seen("work", FAR, timezone.now() - timedelta(hours=10))
    job = make_job()
    take(job, FAR, timezone.now())
    reap(timezone.now())
    view = views()[0]
    assert (view.is_alive, view.is_busy, view.job.pk) == (True, True, job.pk)
    assert view.seen_at > timezone.now() - timedelta(seconds=5)
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert not views()[0].is_alive


def test_a_running_job_costs_no_statement_more_for_saying_so():
    worker_seen("work", own_lease(), timezone.now())
    job = make_job()
    take(job, own_lease(), timezone.now())
    job.refresh_from_db()
    with CaptureQueriesContext(connection) as asked:
        JobContext(job).progress(1, 2, "items", force=True)
    assert len(asked) == 2


def test_a_job_whose_worker_never_said_so_shows_its_process_all_the_same():
    job = make_job()
    take(job, FAR, timezone.now())
    assert [(view.host, view.job.pk) for view in views()] == [("elsewhere", job.pk)]


def test_the_dead_are_forgotten_at_once_and_the_lost_after_an_hour():
    own, now = own_lease(), timezone.now()
    worker_seen("work", Lease(own.host, own.boot, own.pid, own.started - 100), now - timedelta(seconds=1))
    worker_seen("gpu", FAR, now - FORGET_AFTER - timedelta(seconds=1))
    worker_seen("agents", FAR, now - timedelta(minutes=5))
    worker_seen("work", own, now)
    reap(now)
    assert sorted(Worker.objects.values_list("queue", "started")) == [("agents", 1.0), ("work", own.started)]


def test_a_person_does_not_learn_which_job_of_another_campaign_a_worker_does():
    worker_seen("work", FAR, timezone.now())
    take(make_job(), FAR, timezone.now())
    view = views(person=make_campaign().created_by)[0]
    assert (view.is_busy, view.job) == (True, None)


def test_folders_are_added_up_once_in_ten_minutes(settings):
    assert machine_now().folders[0].num_bytes is None
    settings.MEDIA_ROOT.mkdir()
    (settings.MEDIA_ROOT / "a").write_bytes(b"x" * 1000)
    folders_measure()
    assert (machine_now().folders[0].num_bytes, machine_now().folders[0].num_files) == (1000, 1)
    (settings.MEDIA_ROOT / "b").write_bytes(b"x" * 1000)
    folders_measure()
    assert machine_now().folders[0].num_bytes == 1000
    report = settings.DISK_REPORT.read_text()
    settings.DISK_REPORT.write_text(
        report.replace(report.split(",")[0], f'{{"at": {time.time() - MEASURE_EVERY_S - 1}')
    )
    folders_measure()
    assert machine_now().folders[0].num_bytes == 2000


def test_the_machine_tells_its_room_and_its_database(settings):
    machine = machine_now()
    assert machine.database_bytes > 0
    assert all(folder.size >= folder.free > 0 for folder in machine.folders)
    assert machine.has_broker


def test_a_broker_that_is_not_there_is_said_within_seconds(monkeypatch):
    monkeypatch.setattr(current_app.conf, "broker_url", "redis://127.0.0.1:1/0")
    started = time.monotonic()
    assert not broker_answers()
    assert time.monotonic() - started < 3
