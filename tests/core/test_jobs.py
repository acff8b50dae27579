"""Invariants 4 to 6: the row is the truth, the fence holds, success is one transaction."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core.errors import LeaseLost, NotAllowed, UpstreamUnavailable, WrongState
from core.jobs import engine
from core.jobs.context import JobContext
from core.jobs.engine import Handler, claim, execute, execute_next, reap, take
from core.jobs.lease import Lease, own_lease
from core.jobs.services import JobRequest, job_cancel, job_retry, job_submit
from core.models import AuditEvent, Job, JobEvent
from tests.factories import make_campaign, make_job, make_user

pytestmark = pytest.mark.django_db


def run_one(run, then=None) -> Job:
    job = execute_next("work", {"test": Handler(run, then)})
    job.refresh_from_db()
    return job


def test_jobs_run_by_priority_then_age():
    first, urgent, second = make_job(), make_job(priority=5), make_job()
    order = [claim("work", own_lease(), timezone.now()).pk for _ in range(3)]
    assert order == [urgent.pk, first.pk, second.pk]


def test_a_job_that_is_not_due_waits():
    make_job(not_before=timezone.now() + timedelta(minutes=1))
    assert claim("work", own_lease(), timezone.now()) is None


def test_of_two_workers_that_saw_the_same_job_one_gets_it():
    seen = make_job()
    assert take(seen, own_lease(), timezone.now())
    assert not take(seen, own_lease(), timezone.now())


def test_a_rival_that_claims_between_look_and_take_wins_and_the_loser_takes_the_next():
    contested, other = make_job(), make_job()
    rival_came = []

    def rival(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and not rival_came:
            rival_came.append(True)
            Job.objects.filter(pk=contested.pk).update(status="running", attempt=1)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(rival):
        assert claim("work", own_lease(), timezone.now()).pk == other.pk


def test_a_result_and_what_follows_from_it_are_one_transaction():
    make_job()

    def follow(job):
        AuditEvent.objects.create(action="followed", object_type="job", object_id=str(job.pk))
        raise RuntimeError("a bug in what follows")

    job = run_one(lambda context: {"n": 1}, follow)
    assert (job.status, job.result) == ("errored", {})
    assert not AuditEvent.objects.filter(action="followed").exists()
    assert "a bug in what follows" in job.error_message


def test_who_lost_the_lease_publishes_nothing():
    make_job()

    def lose_it(context: JobContext):
        reap(timezone.now() + timedelta(hours=1))
        with context.writing():
            AuditEvent.objects.create(action="published", object_type="job", object_id="1")
        return {}

    job = run_one(lose_it)
    assert (job.status, job.num_lost) == ("waiting", 1)
    assert not AuditEvent.objects.filter(action="published").exists()


def test_a_silent_worker_loses_its_job_and_cannot_end_it_any_more():
    make_job()
    followed = []

    def silent(context):
        reap(timezone.now() + timedelta(hours=1))
        return {"late": True}

    job = run_one(silent, followed.append)
    assert (job.status, job.result, followed) == ("waiting", {}, [])


def test_an_old_attempt_cannot_write_after_a_new_one_began():
    make_job()
    old = claim("work", own_lease(), timezone.now())
    reap(timezone.now() + timedelta(hours=1))
    new = claim("work", own_lease(), timezone.now())
    with pytest.raises(LeaseLost):
        JobContext(old).progress(1, 2, "items", force=True)
    JobContext(new).progress(1, 2, "items", force=True)
    new.refresh_from_db()
    assert (new.attempt, new.done, new.total) == (2, 1, 2)


def test_a_job_whose_process_died_on_this_host_is_freed_at_once():
    job = make_job()
    own = own_lease()
    take(job, Lease(own.host, own.boot, own.pid, own.started - 100), timezone.now())
    assert reap(timezone.now()) == 1
    job.refresh_from_db()
    assert job.status == "waiting"


def test_a_living_worker_with_a_fresh_lease_is_left_alone():
    take(make_job(), own_lease(), timezone.now())
    assert reap(timezone.now()) == 0


def test_the_third_lost_lease_is_a_failure_not_a_crash_loop():
    job = make_job()
    for _ in range(engine.MAX_LOST):
        claim("work", own_lease(), timezone.now())
        reap(timezone.now() + timedelta(hours=1))
    job.refresh_from_db()
    assert (job.status, job.error_code, job.attempt) == ("failed", "worker_lost", 3)


def test_a_named_error_that_waiting_may_mend_is_tried_again_later_and_then_fails():
    job = make_job(max_attempts=2)

    def down(context):
        raise UpstreamUnavailable("nobody home")

    assert run_one(down).status == "waiting"
    job.refresh_from_db()
    assert job.not_before > timezone.now()
    Job.objects.update(not_before=None)
    ended = run_one(down)
    assert (ended.status, ended.error_code) == ("failed", "upstream_unavailable")


def test_a_bug_ends_as_errored_with_its_traceback():
    make_job()
    job = run_one(lambda context: 1 / 0)
    assert (job.status, job.error_code) == ("errored", "bug")
    assert "ZeroDivisionError" in job.error_message


def test_a_cancelled_job_stops_at_its_next_heartbeat():
    job = make_job()

    def work(context):
        job_cancel(actor=job.actor, job_id=job.pk)
        context.progress(1, 10, "items", force=True)
        raise AssertionError("it went on")

    assert run_one(work).status == "cancelled"


def test_a_waiting_job_is_cancelled_at_once_and_can_be_retried():
    job = make_job()
    assert job_cancel(actor=job.actor, job_id=job.pk).status == "cancelled"
    with pytest.raises(WrongState):
        job_cancel(actor=job.actor, job_id=job.pk)
    assert job_retry(actor=job.actor, job_id=job.pk).status == "waiting"


def test_a_job_that_succeeded_cannot_be_retried():
    job = make_job()
    run_one(lambda context: {})
    with pytest.raises(WrongState):
        job_retry(actor=job.actor, job_id=job.pk)


def test_the_same_key_is_one_live_job_and_may_come_again_when_it_ended():
    campaign = make_campaign()
    request = JobRequest("test", {}, dedup_key="round 1 report")
    actor = campaign.created_by
    first = job_submit(actor=actor, campaign=campaign, request=request)
    assert job_submit(actor=actor, campaign=campaign, request=request).pk == first.pk
    run_one(lambda context: {})
    assert job_submit(actor=actor, campaign=campaign, request=request).pk != first.pk


def test_submitting_takes_a_right_and_leaves_an_audit_event():
    campaign = make_campaign()
    with pytest.raises(NotAllowed):
        job_submit(actor=make_user("stranger"), campaign=campaign, request=JobRequest("test", {}))
    job = job_submit(actor=campaign.created_by, campaign=campaign, request=JobRequest("test", {}))
    assert AuditEvent.objects.get(object_type="core.job", object_id=str(job.pk)).action == "job.submitted"


def test_a_job_tells_its_history():
    job = make_job()
    run_one(lambda context: context.note("child started", "pid 1") or {})
    assert list(JobEvent.objects.filter(job=job).values_list("name", flat=True)) == [
        "claimed",
        "child started",
        "succeeded",
    ]


def test_an_unknown_kind_is_a_bug_that_is_shown():
    make_job(kind="nobody knows")
    execute(claim("work", own_lease(), timezone.now()), {})
    assert Job.objects.get().status == "errored"
