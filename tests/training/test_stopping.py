"""Stopping keeps a checkpoint and can go on; cancelling ends at once."""

import pytest

from core.errors import NotAllowed, WrongState
from core.models import AuditEvent, Job
from core.specs import STOP_FILE, StopFile
from tests.doors.world import World, make_world
from tests.factories import make_member
from training.models import TrainingRun
from training.services.rounds import round_stop
from training.services.training_runs import training_run_stop

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def running(world: World) -> tuple[TrainingRun, Job]:
    run = TrainingRun.objects.get(campaign=world.campaign("running"))
    TrainingRun.objects.filter(pk=run.pk).update(run_name="abc")
    run.refresh_from_db()
    job = Job.objects.get(campaign=run.campaign, kind="train")
    Job.objects.filter(pk=job.pk).update(spec={"training_run_id": run.pk}, attempt=3)
    return run, job


def test_a_stop_reaches_the_present_attempt_after_the_commit(world, settings, django_capture_on_commit_callbacks):
    _, job = running(world)
    with django_capture_on_commit_callbacks(execute=True):
        round_stop(actor=world.people["researcher"], round=world.rounds["running"])
    path = settings.RUNS_ROOT / "abc" / STOP_FILE
    wish = StopFile.model_validate_json(path.read_bytes())
    assert (wish.attempt, wish.by) == (3, world.people["researcher"].username)
    assert AuditEvent.objects.filter(action="training_run.stop_asked").count() == 1
    assert job.events.filter(name="stop asked").count() == 1


def test_a_run_that_still_waits_is_cancelled(world):
    run, job = running(world)
    Job.objects.filter(pk=job.pk).update(status="waiting")
    assert training_run_stop(actor=world.people["researcher"], run=run).status == "cancelled"


def test_what_does_not_train_cannot_be_stopped(world):
    with pytest.raises(WrongState, match="does not train"):
        round_stop(actor=world.people["researcher"], round=world.rounds["decide"])


def test_curators_stop_nothing(world):
    run, _ = running(world)
    with pytest.raises(NotAllowed):
        training_run_stop(actor=make_member(run.campaign, "curator"), run=run)
