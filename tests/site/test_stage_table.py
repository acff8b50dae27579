"""Every kind of job that anybody submits has a handler, and every stage of a round goes on when its job is done."""

import pytest

from core.jobs.engine import execute_next
from core.jobs.hints import QUEUES
from core.models import Job
from diagnostics.models import AnswerRun
from dpe_site.stage_table import HANDLERS
from tests.factories import make_member
from tests.training.rows import answer_all, make_campaign_ready
from tests.training.stage_play import KINDS, Play, manifest_of, takes_of
from training.services.rounds import round_approve, round_start, stage_then

IMPORTS = {"checkpoint_register", "benchmark_import", "benchmark_check", "predictions_import", "pool_import"}


BY_HAND = {"checkpoint_merge"}
EXPORTS = {"items_export", "judging"}
BEFORE_TRAINING = {"preflight"}


def test_every_kind_of_the_contract_has_a_handler():
    assert set(HANDLERS) == {*IMPORTS, *BY_HAND, *EXPORTS, *BEFORE_TRAINING, *KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_stages_success_takes_its_round_on(kind):
    assert HANDLERS[kind].then is stage_then


@pytest.mark.parametrize("kind", sorted(IMPORTS | BY_HAND))
def test_an_import_or_a_merge_belongs_to_no_round(kind):
    assert HANDLERS[kind].then is None


@pytest.mark.django_db
def test_the_jobs_that_a_round_submits_are_kinds_that_are_known_on_queues_that_are_served():
    campaign = make_campaign_ready()
    round = round_start(actor=make_member(campaign, "approver"), campaign=campaign)
    play = Play()
    play.work()
    round_approve(actor=round.started_by, round=round, manifest_hash=manifest_of(round))
    play.work()
    jobs = list(Job.objects.filter(campaign=campaign))
    assert {job.kind for job in jobs} == set(KINDS) <= set(HANDLERS)
    assert {job.queue for job in jobs} == set(QUEUES)


@pytest.mark.django_db
def test_the_true_handlers_report_and_propose_for_a_round():
    """From answers that are there to a mixture that waits for approval, without a model."""
    campaign = make_campaign_ready()
    round = round_start(actor=make_member(campaign, "approver"), campaign=campaign)
    assert Play().step().kind == "answer_run"
    answer_all(AnswerRun.objects.get(), lambda item: item.skill != "clock")
    execute_next("work", HANDLERS)
    execute_next("work", HANDLERS)
    errors = Job.objects.exclude(status="succeeded").values_list("kind", "error_message")
    assert list(errors) == []
    assert takes_of(round)[-1] == "approve/1 open"
    round_approve(actor=round.started_by, round=round, manifest_hash=manifest_of(round))
    assert takes_of(round)[-1] == "generate/1 open"
