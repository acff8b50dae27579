"""What runs leave on disk: a dry run lists it, exactly that goes, and a run that is resumed meanwhile keeps all."""

import fcntl
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from core.domain.rollouts import rollouts_path, rollouts_write
from core.errors import InvalidInput, WrongState
from core.jobs.services import job_retry
from core.models import AuditEvent, Campaign, Job
from core.specs import LOCK_FILE
from diagnostics.models import Checkpoint
from tests.core.test_rollouts import rollout
from tests.factories import make_campaign, make_job
from tests.training.rows import make_checkpoint, make_dataset, make_folder, make_mixture, make_report, make_run
from training.domain.retention import RetentionChoice
from training.models import Round, RoundStage, TrainingRun
from training.services.checkpoint_care import checkpoint_pin, retention_apply, retention_plan

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(days=30)


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign()


@pytest.fixture
def run(campaign) -> TrainingRun:
    return make_left_run(campaign)


def make_left_run(campaign: Campaign) -> TrainingRun:
    """A run by hand that failed long ago and could go on from step 40."""
    base = make_checkpoint(campaign, name="base")
    report = make_report(campaign, make_run(campaign, base, [], is_complete=True))
    dataset = make_dataset(make_mixture(campaign, report))
    run = TrainingRun.objects.create(
        campaign=campaign, dataset=dataset, parent=base, seed=1, run_name="a" * 32, is_by_hand=True
    )
    folder = folder_of(run)
    for place in ("checkpoint-40", ".final.torn"):
        (folder / place).mkdir(parents=True)
        (folder / place / "model.safetensors").write_bytes(b"w" * 500)
    rollouts_write(rollouts_path(folder, 1), [[rollout()]])
    (folder / "metrics.jsonl").write_text("{}\n")
    make_job_of(run)
    return run


def folder_of(run: TrainingRun) -> Path:
    return Path(settings.RUNS_ROOT) / run.run_name


def make_job_of(run: TrainingRun, status: str = "failed", ended: timedelta = LONG_AGO) -> Job:
    ended_at = None if status == "waiting" else timezone.now() - ended
    spec = {"training_run_id": run.pk}
    return make_job(campaign=run.campaign, kind="train", queue="gpu", spec=spec, status=status, ended_at=ended_at)


def plan_of(campaign: Campaign, **choice):
    return retention_plan(campaign, RetentionChoice(**choice))


def apply(campaign: Campaign, seen: str = "", **choice):
    seen = seen or plan_of(campaign, **choice).seen
    return retention_apply(actor=campaign.created_by, campaign=campaign, choice=RetentionChoice(**choice), seen=seen)


def said(plan) -> list[tuple[str, str]]:
    return [(left.kind, left.reason) for left in plan.leftovers]


def test_the_state_of_a_run_that_nobody_resumes_goes_and_nothing_else(
    campaign, run, django_capture_on_commit_callbacks
):
    plan = plan_of(campaign)
    assert said(plan) == [("resumable state", "")] and plan.num_bytes == 1000
    folder = folder_of(run)
    assert (folder / "checkpoint-40").is_dir(), "a dry run"
    with django_capture_on_commit_callbacks(execute=True):
        apply(campaign)
    assert {path.name for path in folder.iterdir()} == {"rollouts", "metrics.jsonl", LOCK_FILE}
    event = AuditEvent.objects.get(action="training_run.files_removed")
    assert (event.object_id, event.data["num_bytes"]) == (str(run.pk), 1000)
    assert plan_of(campaign).leftovers == []


def test_days_say_how_long_a_run_by_hand_may_be_resumed(campaign, run):
    make_job_of(run, "cancelled", timedelta(days=10))
    assert said(plan_of(campaign)) == [("resumable state", "ended less than 14 days ago and may be resumed")]
    assert said(plan_of(campaign, days=9)) == [("resumable state", "")]
    with pytest.raises(InvalidInput, match="days must lie between"):
        plan_of(campaign, days=4000)


@pytest.mark.parametrize(
    ("is_ended", "status", "reason"),
    [(False, "open", "round 1 is open"), (False, "stale", ""), (True, "done", ""), (True, "stale", "")],
)
def test_a_round_keeps_the_state_of_its_present_training_until_it_ends(campaign, run, is_ended, status, reason):
    now = timezone.now()
    ended = {"ended_at": now, "decision": "rejected"} if is_ended else {}
    round = Round.objects.create(
        campaign=campaign, number=1, parent=run.parent, started_by=campaign.created_by, **ended
    )
    job = make_job_of(run, "failed", timedelta())
    RoundStage.objects.create(round=round, stage="train", job=job, status=status, opened_at=now)
    assert said(plan_of(campaign)) == [("resumable state", reason)]


def test_equal_runs_share_a_folder_and_any_of_them_keeps_it(campaign, run):
    facts = {"dataset": run.dataset, "parent": run.parent, "seed": 1, "run_name": run.run_name}
    again = TrainingRun.objects.create(campaign=campaign, **facts)
    make_job_of(again, "waiting")
    assert said(plan_of(campaign)) == [("resumable state", "runs, or waits for a worker")]
    Job.objects.all().update(status="failed", ended_at=timezone.now() - LONG_AGO)
    TrainingRun.objects.filter(pk=again.pk).update(created_at=timezone.now() - LONG_AGO)
    assert said(plan_of(campaign)) == [("resumable state", "")]
    TrainingRun.objects.create(campaign=make_campaign(), **facts)
    assert said(plan_of(campaign)) == [("resumable state", "another campaign has the same run")]


def test_a_run_that_is_resumed_between_plan_and_removal_keeps_all(campaign, run):
    seen = plan_of(campaign).seen
    job_retry(actor=campaign.created_by, job_id=Job.objects.get().pk)
    with pytest.raises(WrongState, match="changed since you looked"):
        apply(campaign, seen)
    assert (folder_of(run) / "checkpoint-40").is_dir()


def test_a_child_that_works_in_the_folder_keeps_all_whatever_the_rows_say(campaign, run):
    folder = folder_of(run)
    with (folder / LOCK_FILE).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(WrongState, match="began to work again"):
            apply(campaign)
    assert (folder / "checkpoint-40").is_dir() and (folder / ".final.torn").is_dir()
    assert not AuditEvent.objects.filter(action="training_run.files_removed").exists()


def test_a_state_that_grew_since_it_was_seen_is_another_plan(campaign, run):
    seen = plan_of(campaign).seen
    (folder_of(run) / "checkpoint-40" / "optimizer.pt").write_bytes(b"more")
    with pytest.raises(WrongState, match="changed since you looked"):
        apply(campaign, seen)


def test_a_kill_before_the_files_went_is_made_good_by_the_next_removal(
    campaign, run, django_capture_on_commit_callbacks
):
    apply(campaign)
    folder = folder_of(run)
    assert not (folder / "checkpoint-40").exists() and len(list(folder.glob(".*.gone"))) == 2
    with django_capture_on_commit_callbacks(execute=True):
        assert apply(campaign).num_bytes == 1000
    assert list(folder.glob(".*.gone")) == []


def test_completions_go_only_when_asked_for_and_never_before_their_child(
    campaign, run, django_capture_on_commit_callbacks
):
    child = make_checkpoint(campaign, make_folder(folder_of(run) / "final"), parent=run.parent)
    TrainingRun.objects.filter(pk=run.pk).update(child=child)
    assert said(plan_of(campaign)) == [("resumable state", "")]
    assert said(plan_of(campaign, with_completions=True))[1] == ("completions", "its child is kept")
    newer = make_folder(Path(settings.RUNS_ROOT) / "newer" / "final", b"n")
    make_checkpoint(campaign, newer)
    asked = {"keep_newest": 1, "with_completions": True}
    assert said(plan_of(campaign, **asked))[1] == ("completions", ""), "its child goes in the same plan"
    checkpoint_pin(actor=campaign.created_by, checkpoint=child, is_pinned=True)
    assert said(plan_of(campaign, **asked))[1] == ("completions", "its child is kept")
    Checkpoint.objects.filter(pk=child.pk).update(path="")
    assert said(plan_of(campaign, **asked))[1] == ("completions", "its child is kept"), "pinned, its files gone before"
    Checkpoint.objects.filter(pk=child.pk).update(path=child.path)
    checkpoint_pin(actor=campaign.created_by, checkpoint=child, is_pinned=False)
    with django_capture_on_commit_callbacks(execute=True):
        apply(campaign, **asked)
    assert {path.name for path in folder_of(run).iterdir()} == {"metrics.jsonl", LOCK_FILE}
