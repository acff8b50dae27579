"""Two people at the same moment, for real: threads with connections of their own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread

import pytest
from django.db import connection

from core.errors import DpeError
from core.jobs.services import job_retry
from core.models import Job
from tests.factories import make_campaign, make_member
from tests.training.rows import make_campaign_ready
from tests.training.stage_play import Play, manifest_of, takes_of, waiting
from tests.training.test_leftovers import apply, folder_of, make_left_run
from training.models import Round
from training.services import checkpoint_care
from training.services.rounds import round_approve, round_decide, round_start, stage_redo

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="a database in memory has one connection"),
]


@pytest.fixture
def round() -> Round:
    campaign = make_campaign_ready()
    return round_start(actor=make_member(campaign, "approver"), campaign=campaign)


def together(*deeds) -> list[str]:
    """Do all at once; how each ended."""
    barrier = Barrier(len(deeds))

    def run(deed) -> str:
        barrier.wait()
        try:
            deed()
        except DpeError as error:
            return error.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def test_of_two_approvers_at_the_same_moment_one_succeeds(round):
    Play().work()
    people, seen = [make_member(round.campaign, "approver") for _ in range(2)], manifest_of(round)
    ended = together(*(lambda p=p: round_approve(actor=p, round=round, manifest_hash=seen) for p in people))
    assert sorted(ended) == ["done", "wrong_state"]
    assert takes_of(round)[-2:] == ["approve/1 done", "generate/1 open"]
    assert waiting(round.campaign) == ["generate"]


def test_of_two_who_decide_at_the_same_moment_one_succeeds(round):
    play = Play(verdict="wait")
    play.work()
    round_approve(actor=round.started_by, round=round, manifest_hash=manifest_of(round))
    play.work()
    actor = round.started_by
    ended = together(
        *(lambda d=d: round_decide(actor=actor, round=round, decision=d) for d in ("promoted", "rejected"))
    )
    assert sorted(ended) == ["done", "wrong_state"]


def test_of_two_who_start_at_the_same_moment_one_succeeds():
    campaign = make_campaign_ready()
    ended = together(*[lambda: round_start(actor=campaign.created_by, campaign=campaign)] * 2)
    assert sorted(ended) == ["done", "wrong_state"]
    assert Round.objects.count() == 1
    assert waiting(campaign) == ["answer_run"]


def test_a_stage_that_ends_while_it_is_redone_leaves_one_stage_open(round):
    Play().step()
    actor = round.started_by
    together(lambda: Play().step(), lambda: stage_redo(actor=actor, round=round, stage="diagnose"))
    assert len([take for take in takes_of(round) if take.endswith(" open")]) == 1


def test_of_two_who_redo_at_the_same_moment_no_stage_is_left_behind(round):
    actor = round.started_by
    together(*[lambda: stage_redo(actor=actor, round=round, stage="diagnose")] * 2)
    assert len([take for take in takes_of(round) if take.endswith(" open")]) == 1
    assert waiting(round.campaign) == ["answer_run"]


def test_a_run_is_not_resumed_while_its_state_is_taken_away(monkeypatch):
    run = make_left_run(make_campaign())
    actor, job = run.campaign.created_by, Job.objects.get()
    rival = Thread(target=together, args=(lambda: job_retry(actor=actor, job_id=job.pk),))
    remove = checkpoint_care.leftovers_remove

    def beside_a_rival(*given) -> None:
        rival.start()
        rival.join(2)
        assert rival.is_alive(), "the retry waits for the removal to end"
        remove(*given)

    monkeypatch.setattr(checkpoint_care, "leftovers_remove", beside_a_rival)
    apply(run.campaign)
    rival.join()
    job.refresh_from_db()
    assert job.status == "waiting" and not (folder_of(run) / "checkpoint-40").exists()
