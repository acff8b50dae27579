"""A mixture is proposed once, signed by its hash, and its slots are planned in the moment of approval."""

from collections import Counter

import pytest
from django.db import connection

from core.errors import InvalidInput, NotAllowed, WrongState
from core.models import AuditEvent
from datagen.models import Mixture, Slot
from datagen.services.mixtures import mixture_approve, mixture_propose, mixture_send_back, slots_planned
from diagnostics.models import Benchmark, Cell
from tests.datagen.rows import make_approved, make_context_for, make_mixture, make_report
from tests.factories import make_campaign, make_member

pytestmark = pytest.mark.django_db


def approve(mixture: Mixture, **changes) -> Mixture:
    given = {"actor": mixture.campaign.created_by, "mixture_id": mixture.pk, "manifest_hash": mixture.manifest_hash}
    return mixture_approve(**{**given, **changes})


def test_a_proposal_shares_the_total_exactly_and_gives_replay_its_part():
    mixture = make_mixture(total=100)
    rows = {row.skill: row for row in mixture.rows.all()}
    assert sum(row.quota for row in rows.values()) == mixture.total == 100
    assert (rows["clock"].purpose, rows["colour"].purpose, rows["colour"].quota) == ("target", "replay", 35)
    assert rows["clock"].quota > rows["word"].quota
    assert rows["clock"].why.startswith("weak: 12 of 40 right")
    assert (mixture.status, mixture.policy) == ("submitted", "calibrated")


def test_proposing_again_after_a_kill_gives_the_same_mixture():
    campaign = make_campaign(mixture={"total": 10})
    report = make_report(campaign)
    first = mixture_propose(make_context_for(campaign), report)
    assert mixture_propose(make_context_for(campaign), report).pk == first.pk
    assert AuditEvent.objects.filter(action="mixture.submitted").count() == 1


def test_a_mixture_that_was_sent_back_can_be_proposed_again():
    mixture = make_mixture()
    actor = mixture.campaign.created_by
    assert mixture_send_back(actor=actor, mixture_id=mixture.pk, comment="more clocks").comment == "more clocks"
    again = mixture_propose(make_context_for(mixture.campaign), mixture.report)
    assert again.pk != mixture.pk and again.manifest_hash == mixture.manifest_hash
    with pytest.raises(WrongState):
        approve(mixture)


def test_approval_plans_every_slot_with_its_picture_and_question_type():
    mixture = make_approved(total=20)
    slots = list(mixture.slots.order_by("index"))
    assert [slot.index for slot in slots] == list(range(20))
    assert Counter(slot.skill for slot in slots) == {row.skill: row.quota for row in mixture.rows.all()}
    facts = {slot.skill: (slot.purpose, slot.image_type, slot.question_type) for slot in slots}
    assert facts["clock"] == ("target", "architectural", "number")
    assert facts["colour"] == ("replay", "diagram", "choice")
    assert {(slot.status, slot.num_tries) for slot in slots} == {("open", 0)}
    assert mixture.approved_by == mixture.campaign.created_by and mixture.approved_at


def test_a_skill_whose_answers_no_agent_can_write_leaves_its_question_type_open():
    mixture = make_mixture()
    mixture.rows.filter(skill="clock").update(answer_type="math")
    assert {(plan.skill, plan.question_type) for plan in slots_planned(mixture) if plan.skill != "word"} == {
        ("clock", ""),
        ("colour", "choice"),
    }


def test_the_same_seed_and_report_plan_the_same_slots():
    def plan():
        return list(make_approved(total=30).slots.order_by("index").values_list("skill", "error_type"))

    assert plan() == plan()


def test_slots_aim_at_the_error_types_that_a_judge_named():
    campaign = make_campaign(mixture={"total": 40})
    report = make_report(campaign)
    bench = Benchmark.objects.create(campaign=campaign, name="b", file_hash="f")
    for kind, n in [("calculation", 9), ("reasoning", 3)]:
        facts = {"n": n, "k": 0, "num_clusters": 1, "sum_m2": 1, "sum_km": 1, "sum_k2": 1, "is_strict": True}
        Cell.objects.create(report=report, skill="clock", image_type="x", error_type=kind, benchmark=bench, **facts)
    mixture = mixture_propose(make_context_for(campaign), report)
    assert mixture.rows.get(skill="clock").directions == [["calculation", 9], ["reasoning", 3]]
    slots = approve(mixture).slots.filter(skill="clock")
    kinds = Counter(slots.values_list("error_type", flat=True))
    assert set(kinds) == {"calculation", "reasoning"} and kinds["calculation"] > kinds["reasoning"]


def test_the_approver_signs_what_was_seen_or_nothing():
    mixture = make_mixture()
    with pytest.raises(WrongState):
        approve(mixture, manifest_hash="another")
    assert not Slot.objects.exists()
    assert Mixture.objects.get().status == "submitted"


def test_a_rival_who_decides_first_wins_and_there_are_no_second_slots():
    mixture = make_mixture()
    came = []

    def rival(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and not came:
            came.append(True)
            Mixture.objects.filter(pk=mixture.pk).update(status="sent_back")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(rival), pytest.raises(WrongState):
        approve(mixture)
    assert not Slot.objects.exists()


def test_slots_follow_the_rows_as_they_stand_once_the_signature_counts():
    mixture = make_mixture()
    came = []

    def rival(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and not came:
            came.append(True)
            mixture.rows.update(image_type="map")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(rival):
        approve(mixture)
    assert set(mixture.slots.values_list("image_type", flat=True)) == {"map"}


def test_approving_twice_is_a_wrong_state():
    mixture = make_approved()
    with pytest.raises(WrongState):
        approve(mixture)
    assert mixture.slots.count() == 12


def test_approving_and_sending_back_need_the_right_and_leave_an_audit_event():
    mixture = make_mixture()
    researcher, approver = (make_member(mixture.campaign, role) for role in ("researcher", "approver"))
    with pytest.raises(NotAllowed):
        approve(mixture, actor=researcher)
    with pytest.raises(NotAllowed):
        mixture_send_back(actor=researcher, mixture_id=mixture.pk, comment="no")
    approve(mixture, actor=approver, comment="good")
    event = AuditEvent.objects.get(action="mixture.approved")
    assert (event.actor, event.data["manifest_hash"]) == (approver, mixture.manifest_hash)
    assert Mixture.objects.get().comment == "good"


def test_the_next_round_draws_with_another_seed_but_a_new_try_at_this_one_does_not():
    campaign = make_campaign(mixture={"total": 10})
    first = make_mixture(campaign)
    mixture_send_back(actor=campaign.created_by, mixture_id=first.pk, comment="again")
    second = make_approved(campaign)
    assert second.seed == first.seed
    assert make_mixture(campaign).seed != first.seed


def test_a_report_without_skills_is_named():
    campaign = make_campaign()
    report = make_report(campaign)
    report.skills.all().delete()
    with pytest.raises(InvalidInput, match="skill"):
        mixture_propose(make_context_for(campaign), report)


def test_a_large_mixture_is_approved_in_few_queries():
    mixture = make_mixture(total=3000)
    asked = []
    with connection.execute_wrapper(lambda execute, *args: asked.append(args[0]) or execute(*args)):
        approve(mixture)
    inserts = [sql for sql in asked if "datagen_slot" in sql]
    assert mixture.slots.count() == 3000 and len(inserts) <= 3000 // 50
