"""What pages and scripts read of a round: stages and why they wait, parts, curves."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.models import Job
from datagen.models import Sample, Slot
from tests.factories import make_campaign, make_member
from tests.training.rows import make_campaign_ready, make_checkpoint, make_dataset, make_mixture, make_report, make_run
from tests.training.stage_play import Play, manifest_of, named_error
from training.models import EvaluationRow, Metric, Round, TrainingRun
from training.selectors.curves import curve_points
from training.selectors.rounds import round_overview
from training.services.rounds import round_approve, round_decide, round_start, stage_redo

pytestmark = pytest.mark.django_db


@pytest.fixture
def round() -> Round:
    campaign = make_campaign_ready()
    return round_start(actor=make_member(campaign, "approver"), campaign=campaign)


def run_all(round: Round, play: Play) -> None:
    play.work()
    round_approve(actor=round.started_by, round=round, manifest_hash=manifest_of(round))
    play.work()


def test_an_open_stage_says_what_it_waits_for(round):
    seen = [round_overview(round).stages[-1]]
    play = Play()
    for _ in range(3):
        play.step()
        seen.append(round_overview(round).stages[-1])
    assert [(one.stage, one.waiting_for) for one in seen] == [
        ("diagnose", "waits for the gpu worker"),
        ("report", "waits for the work worker"),
        ("mixture", "waits for the work worker"),
        ("approve", "waits for approval by someone with the right to approve"),
    ]
    assert {one.status for one in seen} == {"waiting"}


def test_a_stage_shows_its_jobs_status_progress_and_error(round):
    job = Job.objects.filter(kind="answer_run")
    job.update(status="running", done=3, total=12, unit="answers")
    (stage,) = round_overview(round).stages
    assert (stage.status, stage.percent, stage.unit, stage.waiting_for) == ("running", 25, "answers", "")
    for status in ("failed", "errored", "cancelled"):
        job.update(status=status, error_code="hung", error_message="Silent.")
        (stage,) = round_overview(round).stages
        assert (stage.status, stage.error_code, stage.error_message) == (status, "hung", "Silent.")
        assert "retry" in stage.waiting_for
    job.update(status="paused", error_code="paused_by_person", error_message="Paused by ada.")
    (stage,) = round_overview(round).stages
    assert (stage.status, stage.error_message, stage.is_stuck) == ("paused", "Paused by ada.", False)
    assert "resume" in stage.waiting_for


def test_a_job_that_waits_for_its_time_says_when(round):
    later = timezone.now() + timedelta(minutes=2)
    Job.objects.update(not_before=later)
    (stage,) = round_overview(round).stages
    assert stage.waiting_for.startswith(f"tries again at {later:%H:%M:%S}")


def test_seconds_of_all_takes_add_up_to_the_rounds(round):
    run_all(round, Play(verdict="wait", waves=[2, 0]))
    stage_redo(actor=round.started_by, round=round, stage="evaluate")
    now = timezone.now() + timedelta(minutes=5)
    seen = round_overview(round, now=now)
    assert {stage.status for stage in seen.stages} == {"done", "stale", "waiting"}
    assert sum(stage.seconds for stage in seen.stages) == pytest.approx(seen.seconds, abs=1e-3)
    assert seen.seconds > 300


def test_an_ended_round_shows_all_that_was_made(round):
    run_all(round, Play())
    seen = round_overview(round)
    assert (seen.status, seen.decision, seen.decided_by, seen.waits_for) == ("promoted", "promoted", "", None)
    assert seen.comment == "The targets improved."
    assert seen.child.name == f"{round.campaign.slug}-round-1"
    assert seen.report.skills[0].verdict == "weak"
    assert seen.training_run == TrainingRun.objects.get().pk
    assert (seen.evaluation.verdict, seen.evaluation.margin) == ("promote", 0.03)


def test_a_person_who_decided_is_named(round):
    run_all(round, Play(verdict="wait"))
    round_decide(actor=round.started_by, round=round, decision="rejected", comment="no")
    assert round_overview(round).decided_by == round.started_by.username


def test_what_became_stale_is_not_shown_as_the_rounds(round):
    run_all(round, Play(verdict="wait"))
    stage_redo(actor=round.started_by, round=round, stage="mixture")
    seen = round_overview(round)
    assert (seen.mixture, seen.training_run, seen.evaluation, seen.child) == (None, None, None, None)
    assert seen.report is not None


def test_samples_are_counted_with_their_reasons(round):
    run_all(round, Play(errors={"dataset_build": named_error()}))
    slots = list(Slot.objects.order_by("index"))
    Slot.objects.filter(pk=slots[0].pk).update(status="given_up")
    kinds = [
        ("accepted", ""),
        ("rejected", "off_skill"),
        ("rejected", "off_skill"),
        ("rejected", "too_easy"),
        ("held", ""),
    ]
    for i, (status, reason) in enumerate(kinds):
        Sample.objects.create(slot=slots[0], try_ix=i, status=status, reason=reason)
    samples = round_overview(round).samples
    assert (samples.slots, samples.filled, samples.given_up, samples.open) == (6, 5, 1, 0)
    assert (samples.accepted, samples.held, samples.rejected) == (1, 1, {"off_skill": 2, "too_easy": 1})


def test_targets_come_first_among_the_suites(round):
    run_all(round, Play(verdict="wait"))
    pk = round.evaluations.get().pk
    for suite, role in (("colour", "protected"), ("clock", "target")):
        facts = {"n": 10, "num_before": 5, "num_after": 7, "num_fixed": 3, "num_broken": 1}
        bounds = {"lower": 0.01, "ci_low": -0.01, "ci_high": 0.4, "is_ok": True}
        EvaluationRow.objects.create(evaluation_id=pk, suite=suite, role=role, **facts, **bounds)
    first, second = round_overview(round).evaluation.rows
    assert (first.suite, second.suite) == ("clock", "colour")
    assert (first.before, first.after, first.diff, first.ci, first.ok) == (0.5, 0.7, 0.2, (-0.01, 0.4), True)


def test_a_rounds_overview_takes_as_many_queries_however_long_it_is(round):
    run_all(round, Play(verdict="wait"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            round_overview(round)
        return len(seen)

    few = queries()
    for stage in ("generate", "train", "evaluate"):
        stage_redo(actor=round.started_by, round=round, stage=stage)
        Play(verdict="wait").work()
    assert round.stages.count() > 25
    assert queries() == few <= 11


def test_a_round_that_just_began_asks_few_queries_and_shows_nothing_yet(round, django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        seen = round_overview(round)
    assert (seen.mixture, seen.report, seen.evaluation, seen.samples.slots) == (None, None, None, 0)


def test_curves_hold_the_named_metrics_in_the_order_of_their_steps():
    campaign = make_campaign()
    parent = make_checkpoint(campaign)
    mixture = make_mixture(campaign, make_report(campaign, make_run(campaign, parent, [])))
    run = TrainingRun.objects.create(campaign=campaign, dataset=make_dataset(mixture), parent=parent, seed=1)
    rows = [("reward", "clock", 1), ("reward", "", 2), ("reward", "", 1), ("kl", "", 1), ("entropy", "", 1)]
    Metric.objects.bulk_create(Metric(training_run=run, name=n, skill=s, step=i, value=i / 2) for n, s, i in rows)
    seen = [(point.name, point.skill, point.step, point.value) for point in curve_points(run, ["reward", "kl"])]
    assert seen == [("kl", "", 1, 0.5), ("reward", "", 1, 0.5), ("reward", "", 2, 1.0), ("reward", "clock", 1, 0.5)]
