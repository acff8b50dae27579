"""A pause holds a job still without a worker; whoever comes beside it, the job ends in one clear state."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from core.errors import JobCancelled, JobPaused, NotAllowed, UpstreamUnavailable, WrongState
from core.jobs.engine import Handler, claim, execute_next, reap
from core.jobs.lease import own_lease
from core.jobs.services import JobRequest, job_cancel, job_pause, job_resume, job_retry, job_submit
from core.models import AuditEvent, Job
from tests.factories import make_campaign, make_job, make_user

pytestmark = pytest.mark.django_db


def make_asking(**fields) -> Job:
    """A job that asks endpoints."""
    return make_job(queue="agents", **fields)


def pause(job: Job) -> Job:
    return job_pause(actor=job.actor, job_id=job.pk)


def resume(job: Job) -> Job:
    return job_resume(actor=job.actor, job_id=job.pk)


def cancel(job: Job) -> Job:
    return job_cancel(actor=job.actor, job_id=job.pk)


def run_one(work) -> Job:
    """The next job, done by ``work``."""
    job = execute_next("agents", {"test": Handler(work)})
    job.refresh_from_db()
    return job


def names(job: Job) -> list[str]:
    return list(job.events.order_by("id").values_list("name", flat=True))


def test_a_waiting_job_pauses_at_once_and_no_worker_takes_it():
    job = pause(make_asking())
    assert (job.status, job.error_code, job.is_live) == ("paused", "paused_by_person", True)
    assert f"Paused by {job.actor}." in job.error_message
    assert claim("agents", own_lease(), timezone.now()) is None
    assert names(job) == ["pause asked", "paused"]


def test_a_running_job_pauses_at_its_next_heartbeat_and_goes_on_when_it_is_resumed():
    job = make_asking()

    def work(context):
        assert pause(job).status == "running"
        context.progress(3, 10, "items", force=True)
        raise AssertionError("it went on")

    paused = run_one(work)
    assert (paused.status, paused.error_code, paused.done) == ("paused", "paused_by_person", 3)
    back = resume(job)
    assert (back.status, back.error_code, back.error_message, back.pause_requested_at) == ("waiting", "", "", None)
    ended = run_one(lambda context: context.progress(10, 10, "items") or {"n": 1})
    assert (ended.status, ended.attempt) == ("succeeded", 2)
    assert names(job) == ["claimed", "pause asked", "paused", "resumed", "claimed", "succeeded"]
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {"job.paused", "job.resumed"}


def test_a_paused_job_that_waited_for_its_next_try_goes_on_at_once():
    job = pause(make_asking(not_before=timezone.now() + timedelta(minutes=2)))
    assert resume(job).not_before is None


def test_a_job_that_asks_no_endpoint_cannot_pause_and_says_what_to_do():
    with pytest.raises(WrongState, match="Stop it, and retry it later"):
        pause(make_job(queue="gpu"))


def test_pausing_and_resuming_take_the_right_to_research():
    job = make_asking()
    with pytest.raises(NotAllowed):
        job_pause(actor=make_user("stranger"), job_id=job.pk)
    pause(job)
    with pytest.raises(NotAllowed):
        job_resume(actor=make_user("stranger too"), job_id=job.pk)


def test_a_second_pause_and_a_resume_of_what_is_not_paused_find_the_state_changed():
    job = pause(make_asking())
    with pytest.raises(WrongState):
        pause(job)
    resume(job)
    with pytest.raises(WrongState):
        resume(job)


def test_a_running_job_is_asked_to_pause_once():
    job = make_asking()
    claim("agents", own_lease(), timezone.now())
    pause(job)
    with pytest.raises(WrongState):
        pause(job)
    assert names(job).count("pause asked") == 1


def test_a_paused_job_is_cancelled_at_once_and_a_retry_forgets_the_pause():
    job = cancel(pause(make_asking()))
    assert (job.status, job.error_code, job.error_message) == ("cancelled", "", "")
    assert job_retry(actor=job.actor, job_id=job.pk).pause_requested_at is None
    assert run_one(lambda context: context.progress(1, 1, "items") or {}).status == "succeeded"


def test_a_cancel_beside_a_pause_wins_whichever_came_first():
    job = make_asking()

    def pause_then_cancel(context):
        pause(job)
        cancel(job)
        with pytest.raises(JobCancelled):
            context.heed()
        context.heed()

    assert run_one(pause_then_cancel).status == "cancelled"
    job_retry(actor=job.actor, job_id=job.pk)

    def cancel_then_pause(context):
        cancel(job)
        with pytest.raises(WrongState):
            pause(job)
        context.heed()

    assert run_one(cancel_then_pause).status == "cancelled"


def test_a_cancel_that_comes_while_the_last_calls_are_seen_out_is_not_lost():
    job = make_asking()

    def work(context):
        pause(job)
        with pytest.raises(JobPaused) as reason:
            context.heed()
        cancel(job)
        raise reason.value

    assert run_one(work).status == "cancelled"


def test_a_job_that_ends_before_its_pause_is_heeded_has_succeeded():
    job = make_asking()
    assert run_one(lambda context: pause(job) and {"n": 1}).status == "succeeded"
    with pytest.raises(WrongState):
        resume(job)


def test_a_failure_that_waiting_may_mend_pauses_the_job_that_was_asked_to():
    job = make_asking()

    def down(context):
        pause(job)
        raise UpstreamUnavailable("nobody home")

    assert run_one(down).status == "paused"


@pytest.mark.parametrize(("wish", "status"), [(pause, "paused"), (cancel, "cancelled")])
def test_a_worker_that_dies_over_a_wish_leaves_the_job_as_was_wished(wish, status):
    job = make_asking()
    claim("agents", own_lease(), timezone.now())
    wish(job)
    assert reap(timezone.now() + timedelta(hours=1)) == 1
    job.refresh_from_db()
    assert (job.status, job.num_lost) == (status, 1)


def test_a_pause_beside_the_reaper_is_heeded_whichever_comes_second():
    job = make_asking()
    claim("agents", own_lease(), timezone.now())
    reap(timezone.now() + timedelta(hours=1))
    assert pause(job).status == "paused"
    assert reap(timezone.now() + timedelta(hours=1)) == 0


def test_a_paused_job_stays_the_only_one_of_its_key():
    campaign = make_campaign()
    request = JobRequest("test", {}, queue="agents", dedup_key="judging 1")
    job = pause(job_submit(actor=campaign.created_by, campaign=campaign, request=request))
    assert job_submit(actor=campaign.created_by, campaign=campaign, request=request).pk == job.pk
    with pytest.raises(IntegrityError):
        make_asking(dedup_key="judging 1")


def test_whatever_pauses_a_job_says_why():
    make_asking()

    def spent(context):
        raise JobPaused("The budget is spent.", code="budget_spent")

    job = run_one(spent)
    assert (job.status, job.error_code, job.error_message) == ("paused", "budget_spent", "The budget is spent.")
