"""What a job's success does to its round, when it must do nothing, and doing a stage over."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core.errors import InvalidInput, NotAllowed, WrongState
from core.jobs.engine import reap
from core.models import AuditEvent, Job
from tests.factories import make_job, make_member
from tests.training.rows import make_campaign_ready
from tests.training.stage_play import Play, manifest_of, named_error, takes_of, waiting
from training.models import Evaluation, Round, RoundStage
from training.services import stages
from training.services.rounds import round_approve, round_start, stage_redo, stage_then

pytestmark = pytest.mark.django_db


@pytest.fixture
def round() -> Round:
    campaign = make_campaign_ready()
    return round_start(actor=make_member(campaign, "approver"), campaign=campaign)


def at_the_decision(round: Round) -> Play:
    """The round as the gate left it: a person must decide."""
    play = Play(verdict="wait")
    play.work()
    round_approve(actor=round.started_by, round=round, manifest_hash=manifest_of(round))
    play.work()
    return play


def test_a_job_of_no_round_is_followed_by_nothing(round):
    job = make_job(campaign=round.campaign, kind="report", status="succeeded")
    stage_then(job)
    assert takes_of(round) == ["diagnose/1 open"]


def test_every_job_of_a_round_knows_its_number_for_the_calls_that_it_makes(round):
    at_the_decision(round)
    told = list(Job.objects.filter(round_stage__round=round).values_list("spec__round_number", flat=True))
    assert len(told) > 6 and set(told) == {round.number}


def test_a_job_whose_lease_was_lost_opens_no_stage(round):
    play = Play()

    def lose_it(job):
        reap(timezone.now() + timedelta(hours=1))
        return {}

    play.do_answer_run = lose_it
    job = play.step()
    job.refresh_from_db()
    assert (job.status, takes_of(round)) == ("waiting", ["diagnose/1 open"])


def test_after_a_lost_lease_the_next_attempt_opens_the_next_stage_once(round):
    play = Play()
    done = play.do_answer_run

    def lose_it(job):
        play.do_answer_run = done
        reap(timezone.now() + timedelta(hours=1))
        return {}

    play.do_answer_run = lose_it
    play.step()
    play.step()
    assert takes_of(round) == ["diagnose/1 done", "report/1 open"]
    assert waiting(round.campaign) == ["report"]


def test_success_and_what_follows_are_one_transaction(round, monkeypatch):
    def broken(job):
        stage_then(job)
        raise RuntimeError("a bug after the next stage was opened")

    Play(then=broken).step()
    job = round.stages.get().job
    assert (job.status, job.result) == ("errored", {})
    assert takes_of(round) == ["diagnose/1 open"]
    assert waiting(round.campaign) == []


def test_a_delivered_success_that_comes_twice_opens_one_stage(round):
    play = Play()
    job = play.step()
    job.refresh_from_db()
    stage_then(job)
    assert takes_of(round) == ["diagnose/1 done", "report/1 open"]


def test_two_stages_of_a_round_are_never_open_together(round):
    with pytest.raises(WrongState, match="went on"):
        stages.stage_open(round, stages.Stage.DECIDE, timezone.now())
    assert takes_of(round) == ["diagnose/1 open"]


def test_a_next_stage_that_cannot_open_names_why_and_can_be_retried(round, monkeypatch):
    def no_items(opened, take):
        raise InvalidInput("There are no gate items: import a benchmark first.", field="split")

    openers = {**stages.OPENERS, stages.Stage.EVALUATE: no_items}
    monkeypatch.setattr(stages, "OPENERS", openers)
    at_the_decision(round)
    train = round.stages.get(stage="train")
    assert (train.status, train.job.status, train.job.error_code) == ("open", "failed", "invalid_input")
    assert "no gate items" in train.job.error_message
    round.refresh_from_db()
    assert round.child is None


def test_redoing_a_stage_opens_its_next_take_and_makes_later_ones_stale(round):
    play = at_the_decision(round)
    first_child = Round.objects.get(pk=round.pk).child
    stage_redo(actor=round.started_by, round=round, stage="train")
    round.refresh_from_db()
    assert round.child is None
    assert [take for take in takes_of(round) if "stale" in take] == [
        "train/1 stale",
        "evaluate/1 stale",
        "gate/1 stale",
        "decide/1 stale",
    ]
    assert takes_of(round)[-1] == "train/2 open"
    play.verdict = "promote"
    play.work()
    round.refresh_from_db()
    assert (round.decision, Evaluation.objects.filter(round=round).count()) == ("promoted", 2)
    assert round.child != first_child
    assert Evaluation.objects.latest("id").after.checkpoint == round.child


def test_redoing_stops_the_job_that_is_under_way(round):
    play = Play(errors={"train": named_error()})
    play.work()
    round_approve(actor=round.started_by, round=round, manifest_hash=manifest_of(round))
    play.work()
    stage_redo(actor=round.started_by, round=round, stage="generate")
    fresh = round.stages.get(stage="generate", take=2)
    stage_redo(actor=round.started_by, round=round, stage="generate")
    fresh.refresh_from_db()
    assert (fresh.status, fresh.job.status) == ("stale", "cancelled")
    assert fresh.ended_at == round.stages.get(stage="generate", take=3).opened_at
    assert waiting(round.campaign) == ["generate"]


def test_a_job_that_ends_after_its_stage_became_stale_opens_nothing(round):
    play = at_the_decision(round)
    stage_redo(actor=round.started_by, round=round, stage="evaluate")
    done = play.do_evaluate

    def overtaken(job):
        Job.objects.filter(pk=job.pk).update(cancel_requested_at=None)
        RoundStage.objects.filter(job=job).update(status="stale")
        return done(job)

    play.do_evaluate = overtaken
    play.work()
    assert takes_of(round)[-1] == "evaluate/2 stale"
    assert waiting(round.campaign) == []


def test_the_waves_are_counted_anew_when_generation_is_redone():
    campaign = make_campaign_ready(generation={"max_refills": 1, "min_accept_share": 0.5})
    round = round_start(actor=campaign.created_by, campaign=campaign)
    play = Play(verdict="wait", waves=[2, 1, 2, 1])
    play.work()
    round_approve(actor=round.started_by, round=round, manifest_hash=manifest_of(round))
    play.work()
    stage_redo(actor=round.started_by, round=round, stage="generate")
    play.work()
    assert play.waves == []
    assert takes_of(round)[-1] == "decide/2 open"


def test_a_mixture_that_was_approved_once_is_approved_again_when_its_stage_is_redone(round):
    play = at_the_decision(round)
    stage_redo(actor=round.started_by, round=round, stage="mixture")
    play.work()
    assert takes_of(round)[-1] == "approve/2 open"
    round_approve(actor=round.started_by, round=round, manifest_hash=manifest_of(round))
    assert waiting(round.campaign) == ["generate"]


@pytest.mark.parametrize("stage", ["approve", "decide", "nonsense"])
def test_what_a_person_does_cannot_be_redone(round, stage):
    with pytest.raises(InvalidInput):
        stage_redo(actor=round.started_by, round=round, stage=stage)


def test_a_stage_that_was_never_reached_cannot_be_redone(round):
    with pytest.raises(WrongState, match="not reached"):
        stage_redo(actor=round.started_by, round=round, stage="train")


def test_an_ended_round_stays_as_it_is(round):
    play = Play()
    play.work()
    round_approve(actor=round.started_by, round=round, manifest_hash=manifest_of(round))
    play.work()
    with pytest.raises(WrongState, match="ended"):
        stage_redo(actor=round.started_by, round=round, stage="train")
    assert "stale" not in " ".join(takes_of(round))


def test_redoing_takes_the_right_to_research_and_is_audited(round):
    with pytest.raises(NotAllowed):
        stage_redo(actor=make_member(round.campaign, "curator"), round=round, stage="diagnose")
    stage_redo(actor=round.started_by, round=round, stage="diagnose")
    event = AuditEvent.objects.get(action="round.stage_redone")
    assert (event.actor, event.data) == (round.started_by, {"stage": "diagnose", "take": 2})


def test_a_stage_that_opens_while_another_is_redone_wins_or_loses_whole(round):
    """The rival's success commits between the look and the write of the one who redoes."""
    play = at_the_decision(round)
    stage_redo(actor=round.started_by, round=round, stage="train")
    came = []

    def rival(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "training_roundstage"') and not came:
            came.append(True)
            now = timezone.now()
            RoundStage.objects.create(round=round, stage="decide", take=9, opened_at=now)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(rival), pytest.raises(WrongState, match="went on"):
        stage_redo(actor=round.started_by, round=round, stage="train")
    assert play.ran[-1] == "gate"
    assert takes_of(round)[-1] == "train/2 open"
    assert waiting(round.campaign) == ["train"]
