"""The whole round as a state machine: jobs are done in an instant, people decide, things go wrong."""

from itertools import pairwise

import pytest
from django.db import connection

from core.errors import InvalidInput, NotAllowed, WrongState
from core.models import AuditEvent, Endpoint, Job
from datagen.models import Mixture
from tests.factories import make_campaign, make_member
from tests.training.rows import make_campaign_ready, make_checkpoint
from tests.training.stage_play import Play, manifest_of, named_error, takes_of, waiting
from training.models import Evaluation, Round, RoundStage
from training.selectors.offers import next_round_offer
from training.services.rounds import (
    round_approve,
    round_decide,
    round_retry,
    round_send_back,
    round_start,
)

pytestmark = pytest.mark.django_db

ONE_WAVE = ["generate", "quality", "difficulty"]
BEFORE = ["answer_run", "report", "mixture_propose"]
AFTER = ["dataset_build", "train", "evaluate", "gate"]


@pytest.fixture
def round() -> Round:
    campaign = make_campaign_ready()
    return round_start(actor=make_member(campaign, "researcher"), campaign=campaign)


@pytest.fixture
def approver(round):
    return make_member(round.campaign, "approver")


def approved(round: Round, approver, play: Play) -> Round:
    """The round after its mixture was approved and all that follows was done."""
    play.work()
    round_approve(actor=approver, round=round, manifest_hash=manifest_of(round))
    play.work()
    round.refresh_from_db()
    return round


def actions(round: Round) -> list[str]:
    rows = AuditEvent.objects.filter(campaign=round.campaign, action__startswith="round.")
    return list(rows.order_by("id").values_list("action", flat=True))


def test_no_round_starts_with_a_role_that_cannot_see_what_it_is_shown():
    campaign = make_campaign_ready()
    blind = {"images": False, "n": 2, "json_schema": True}
    for role in ("planner", "validator"):
        facts = {"base_url": "http://127.0.0.1:9/v1", "model": "m", "capabilities": blind}
        Endpoint.objects.update_or_create(campaign=campaign, role=role, defaults=facts)
    actor = make_member(campaign, "researcher")
    with pytest.raises(WrongState, match=r"^validator: the last test found that the server takes no pictures"):
        round_start(actor=actor, campaign=campaign)
    Endpoint.objects.update(capabilities={})
    assert round_start(actor=actor, campaign=campaign).number == 1


def test_a_round_starts_with_its_parent_waiting_for_the_gpu_worker(round):
    assert (round.number, round.parent.name) == (1, "base")
    assert takes_of(round) == ["diagnose/1 open"]
    assert waiting(round.campaign) == ["answer_run"]


def test_a_round_goes_from_its_start_to_a_promoted_child(round, approver):
    play = Play()
    round = approved(round, approver, play)
    assert play.ran == BEFORE + ONE_WAVE + AFTER
    assert (round.decision, round.decided_by) == ("promoted", None)
    assert round.comment == "The targets improved."
    assert round.child.parent == round.parent
    assert round.ended_at is not None
    assert takes_of(round)[-1] == "gate/1 done"
    assert actions(round) == ["round.started", "round.approved", "round.promoted"]


def test_nothing_is_generated_before_a_person_approves(round):
    play = Play()
    play.work()
    assert takes_of(round)[-1] == "approve/1 open"
    assert (play.ran, waiting(round.campaign)) == (BEFORE, [])


def test_the_promoted_child_is_offered_as_the_next_parent(round, approver):
    assert next_round_offer(round.campaign) is None
    round = approved(round, approver, Play())
    offer = next_round_offer(round.campaign)
    assert (offer.number, offer.parent) == (2, round.child)
    following = round_start(actor=approver, campaign=round.campaign)
    assert (following.number, following.parent) == (2, round.child)


def test_where_the_gate_waits_a_person_promotes(round, approver):
    round = approved(round, approver, Play(verdict="wait"))
    assert (round.decision, takes_of(round)[-1]) == ("", "decide/1 open")
    round = round_decide(actor=approver, round=round, decision="promoted", comment="worth it")
    assert (round.decision, round.decided_by, round.comment) == ("promoted", approver, "worth it")
    assert takes_of(round)[-1] == "decide/1 done"
    assert next_round_offer(round.campaign).parent == round.child


def test_after_a_rejection_the_parent_stays(round, approver):
    round = approved(round, approver, Play(verdict="wait"))
    round = round_decide(actor=approver, round=round, decision="rejected", comment="too weak")
    assert actions(round)[-1] == "round.rejected"
    assert next_round_offer(round.campaign).parent == round.parent


def test_a_decision_is_made_once(round, approver):
    round = approved(round, approver, Play(verdict="wait"))
    round_decide(actor=approver, round=round, decision="rejected")
    with pytest.raises(WrongState):
        round_decide(actor=approver, round=round, decision="promoted")
    round.refresh_from_db()
    assert round.decision == "rejected"


def test_a_decision_comes_only_where_the_gate_waits(round, approver):
    with pytest.raises(WrongState, match="does not wait"):
        round_decide(actor=approver, round=round, decision="promoted")
    with pytest.raises(InvalidInput):
        round_decide(actor=approver, round=round, decision="perhaps")


def test_open_slots_are_refilled_wave_by_wave(round, approver):
    play = Play(waves=[4, 1, 0])
    round = approved(round, approver, play)
    assert play.ran == BEFORE + 3 * ONE_WAVE + AFTER
    waves = [f"{stage}/{take} done" for take in (1, 2, 3) for stage in ONE_WAVE]
    assert [take for take in takes_of(round) if take in waves] == waves
    assert Job.objects.filter(kind="generate").order_by("-id").values_list("spec", flat=True)[0]["take"] == 3


def test_when_the_waves_are_used_up_enough_samples_make_a_dataset():
    campaign = make_campaign_ready(generation={"max_refills": 1, "min_accept_share": 0.5})
    approver = make_member(campaign, "approver")
    play = Play(waves=[4, 3])
    round = approved(round_start(actor=approver, campaign=campaign), approver, play)
    assert play.ran == BEFORE + 2 * ONE_WAVE + AFTER
    assert round.decision == "promoted"


def test_too_few_samples_open_the_dataset_stage_whose_job_tells_the_shortfall():
    campaign = make_campaign_ready(generation={"max_refills": 0, "min_accept_share": 0.9})
    approver = make_member(campaign, "approver")
    play = Play(waves=[3], errors={"dataset_build": named_error()})
    round = approved(round_start(actor=approver, campaign=campaign), approver, play)
    assert takes_of(round)[-1] == "dataset/1 open"
    assert round.stages.get(stage="dataset").job.status == "failed"


def test_the_mixture_that_is_approved_is_the_one_that_was_seen(round, approver):
    Play().work()
    seen = manifest_of(round)
    Mixture.objects.update(manifest_hash="f" * 64)
    with pytest.raises(WrongState):
        round_approve(actor=approver, round=round, manifest_hash=seen)
    assert takes_of(round)[-1] == "approve/1 open"
    assert waiting(round.campaign) == []
    assert "round.approved" not in actions(round)


def test_of_two_approvers_the_second_changes_nothing(round, approver):
    Play().work()
    seen, rival = manifest_of(round), make_member(round.campaign, "approver")
    round_approve(actor=rival, round=round, manifest_hash=seen)
    with pytest.raises(WrongState):
        round_approve(actor=approver, round=round, manifest_hash=seen)
    assert RoundStage.objects.filter(stage="generate").count() == 1
    assert Mixture.objects.get().approved_by == rival


@pytest.mark.parametrize(("table", "status"), [("datagen_mixture", "sent_back"), ("training_roundstage", "stale")])
def test_an_approver_whose_rival_comes_between_look_and_write_changes_nothing(round, approver, table, status):
    Play().work()
    seen, came = manifest_of(round), []

    def rival_first(execute, sql, params, many, context):
        if sql.startswith(f'UPDATE "{table}"') and not came:
            came.append(True)
            rows = Mixture.objects.all() if table == "datagen_mixture" else RoundStage.objects.filter(status="open")
            rows.update(status=status)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(rival_first), pytest.raises(WrongState):
        round_approve(actor=approver, round=round, manifest_hash=seen)
    assert came
    assert takes_of(round)[-1] == "approve/1 open"
    assert (Mixture.objects.get().status, waiting(round.campaign)) == ("submitted", [])


def test_rounds_of_two_campaigns_go_on_side_by_side(round):
    other = make_campaign_ready()
    beside = round_start(actor=other.created_by, campaign=other)
    Play().work()
    assert takes_of(beside) == takes_of(round)
    assert {stage.job.campaign for stage in beside.stages.exclude(job=None)} == {other}


def test_a_mixture_that_is_sent_back_is_proposed_again(round, approver):
    play = Play()
    play.work()
    first = manifest_of(round)
    with pytest.raises(InvalidInput):
        round_send_back(actor=approver, round=round, comment=" ")
    round_send_back(actor=approver, round=round, comment="less colour")
    play.work()
    assert takes_of(round)[-2:] == ["mixture/2 done", "approve/2 open"]
    assert Mixture.objects.order_by("id")[0].status == "sent_back"
    assert manifest_of(round) != first
    round = approved(round, approver, play)
    assert round.decision == "promoted"


def test_rights_are_asked_before_anything_changes(round, approver):
    researcher, curator = round.started_by, make_member(round.campaign, "curator")
    with pytest.raises(NotAllowed):
        round_approve(actor=researcher, round=round, manifest_hash="not even open yet")
    Play().work()
    seen = manifest_of(round)
    for forbidden in (
        lambda: round_approve(actor=researcher, round=round, manifest_hash=seen),
        lambda: round_send_back(actor=researcher, round=round, comment="no"),
        lambda: round_decide(actor=researcher, round=round, decision="rejected"),
        lambda: round_retry(actor=curator, round=round),
        lambda: round_start(actor=curator, campaign=round.campaign),
    ):
        with pytest.raises(NotAllowed):
            forbidden()
    assert actions(round) == ["round.started"]
    assert takes_of(round)[-1] == "approve/1 open"


def test_a_failed_stage_runs_again_as_the_same_take(round, approver):
    play = Play(errors={"train": named_error(), "quality": RuntimeError("a bug")})
    round = approved(round, approver, play)
    assert round.stages.get(stage="quality").job.status == "errored"
    round_retry(actor=round.started_by, round=round)
    play.work()
    assert takes_of(round)[-1] == "train/1 open"
    assert round.stages.get(stage="train").job.error_code == "out_of_memory"
    round_retry(actor=round.started_by, round=round)
    play.work()
    round.refresh_from_db()
    assert round.decision == "promoted"
    assert actions(round).count("round.retried") == 2
    assert {take.split("/")[1] for take in takes_of(round)} == {"1 done"}


def test_a_round_without_a_failed_stage_has_nothing_to_retry(round):
    with pytest.raises(WrongState):
        round_retry(actor=round.started_by, round=round)


def test_a_round_that_is_stuck_for_good_is_rejected_and_the_next_may_start(round, approver):
    round = approved(round, approver, Play(errors={"train": named_error()}))
    with pytest.raises(WrongState):
        round_decide(actor=approver, round=round, decision="promoted")
    round_decide(actor=approver, round=round, decision="rejected", comment="diverges")
    assert takes_of(round)[-1] == "train/1 stale"
    assert next_round_offer(round.campaign).parent == round.parent


def test_one_round_of_a_campaign_is_open_at_a_time(round):
    with pytest.raises(WrongState, match="open"):
        round_start(actor=round.started_by, campaign=round.campaign)
    assert Round.objects.count() == 1


def test_a_round_starts_from_the_checkpoint_that_is_named():
    campaign = make_campaign_ready()
    old, newest = campaign.checkpoints.get(), make_checkpoint(campaign)
    assert next_round_offer(campaign).parent == newest
    assert round_start(actor=campaign.created_by, campaign=campaign, checkpoint=old).parent == old


def test_a_round_needs_a_checkpoint_of_its_campaign():
    campaign = make_campaign()
    with pytest.raises(InvalidInput):
        round_start(actor=campaign.created_by, campaign=campaign)
    foreign = make_checkpoint(make_campaign())
    with pytest.raises(InvalidInput):
        round_start(actor=campaign.created_by, campaign=campaign, checkpoint=foreign)


def test_a_round_without_items_does_not_start_at_all():
    campaign = make_campaign()
    make_checkpoint(campaign)
    with pytest.raises(InvalidInput, match="import a benchmark"):
        round_start(actor=campaign.created_by, campaign=campaign)
    assert not Round.objects.exists()


def test_stages_follow_each_other_without_a_gap(round, approver):
    round = approved(round, approver, Play(waves=[2, 0]))
    stages = list(round.stages.order_by("id"))
    assert stages[0].opened_at == round.created_at
    assert all(now.opened_at == before.ended_at for before, now in pairwise(stages))
    assert stages[-1].ended_at == round.ended_at
    spans = [(stage.ended_at - stage.opened_at).total_seconds() for stage in stages]
    assert sum(spans) == pytest.approx((round.ended_at - round.created_at).total_seconds())


def test_the_second_round_asks_other_probe_items_and_trains_with_another_seed(round, approver):
    first = approved(round, approver, Play())
    second = approved(round_start(actor=approver, campaign=first.campaign), approver, Play())
    runs = [stage.job.spec["run_id"] for stage in RoundStage.objects.filter(stage="diagnose").order_by("id")]
    items = [set(Job.objects.get(round_stage__round=r, kind="answer_run").spec.values()) for r in (first, second)]
    assert items[0] != items[1] and len(set(runs)) == 2
    seeds = {stage.job.spec["training_run_id"] for stage in RoundStage.objects.filter(stage="train")}
    assert len(seeds) == 2
    assert Evaluation.objects.filter(round=second).get().after.checkpoint == second.child
