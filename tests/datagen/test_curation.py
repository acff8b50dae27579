"""What people decide about samples: each rule, each rival, and taking it back."""

import pytest
from django.db import IntegrityError, transaction

from core.errors import InvalidInput, NotAllowed, NotFound, WrongState
from core.models import AuditEvent
from datagen.models import Dataset, Sample, SampleDecision
from datagen.services.curation import sample_accept, sample_decision_undo, sample_reassign, sample_reject
from tests.datagen.curation_rows import make_curated, make_try, sample_of, slot_of
from tests.factories import make_member, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def mixture():
    return make_curated()


@pytest.fixture
def curator(mixture):
    return make_member(mixture.campaign, "curator")


def build(mixture) -> Dataset:
    facts = {"manifest_hash": "m", "file_hash": "f", "path": "/d", "num_samples": 1}
    return Dataset.objects.create(campaign=mixture.campaign, mixture=mixture, **facts)


@pytest.mark.parametrize(("status", "reason"), [("rejected", "too_easy"), ("held", "solvers_split")])
@pytest.mark.parametrize("slot", ["open", "given_up"])
def test_an_accepted_sample_fills_its_slot_and_the_decision_is_kept(mixture, curator, status, reason, slot):
    sample = make_try(mixture, 2, status, reason, slot=slot, num_tries=1)
    sample_accept(actor=curator, sample_id=sample.pk, comment=" the gold is right ")
    assert sample_of(sample) == ("accepted", "", 2, 0)
    assert slot_of(mixture, 2) == ("filled", "", 1)
    decision = SampleDecision.objects.get()
    assert (decision.actor, decision.decision, decision.comment) == (curator, "accept", "the gold is right")
    assert (decision.status_before, decision.reason_before, decision.try_before) == (status, reason, 0)
    event = AuditEvent.objects.get(action="sample.accept")
    assert (event.actor, event.object_id) == (curator, str(sample.pk))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"question": " "}, "no question"),
        ({"media_id": None}, "no picture"),
        ({"answer": "many"}, "not a number"),
        ({"answer": ""}, "empty"),
        ({"reason": "contaminated"}, "benchmark"),
        ({"status": "accepted", "slot": "filled"}, "accepted already"),
    ],
)
def test_what_cannot_be_trained_on_is_not_accepted(mixture, curator, fields, said):
    status, reason = fields.pop("status", "rejected"), fields.pop("reason", "malformed")
    sample = make_try(mixture, 0, status, reason, **fields)
    with pytest.raises(WrongState, match=said):
        sample_accept(actor=curator, sample_id=sample.pk)
    assert not SampleDecision.objects.exists() and not AuditEvent.objects.filter(action="sample.accept").exists()


@pytest.mark.parametrize("decide", [sample_accept, sample_reject, sample_reassign])
@pytest.mark.parametrize("status", ["written", "checked"])
def test_what_is_under_way_is_left_to_the_wave(mixture, curator, decide, status):
    sample = make_try(mixture, 0, status)
    more = {"skill": "word"} if decide is sample_reassign else {}
    with pytest.raises(WrongState, match="under way"):
        decide(actor=curator, sample_id=sample.pk, **more)


@pytest.mark.parametrize("decide", [sample_accept, sample_reject, sample_reassign])
def test_nothing_is_decided_once_the_dataset_is_built(mixture, curator, decide):
    sample = make_try(mixture, 0, "held", "unscored")
    build(mixture)
    with pytest.raises(WrongState, match="never changes"):
        decide(actor=curator, sample_id=sample.pk)


def test_a_slot_that_another_sample_fills_is_named(mixture, curator):
    sample = make_try(mixture, 3, "rejected", "too_easy")
    other = make_try(mixture, 3, "accepted", slot="filled", try_ix=1)
    with pytest.raises(WrongState, match=rf"filled by its try 2 \(sample {other.pk}\).*reassign"):
        sample_accept(actor=curator, sample_id=sample.pk)


def test_the_database_allows_one_accepted_sample_a_slot(mixture):
    make_try(mixture, 3, "accepted", slot="filled")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_try(mixture, 3, "accepted", try_ix=1)


def test_a_rejected_sample_gives_its_slot_up(mixture, curator):
    sample = make_try(mixture, 1, "accepted", slot="filled", num_tries=1)
    sample_reject(actor=curator, sample_id=sample.pk)
    assert sample_of(sample)[:2] == ("rejected", "rejected_by_person")
    assert slot_of(mixture, 1) == ("given_up", "rejected_by_person", 1)


def test_a_held_sample_of_the_wave_under_way_gives_its_slot_up_too(mixture, curator):
    sample = make_try(mixture, 1, "held", "unscored")
    sample_reject(actor=curator, sample_id=sample.pk)
    assert slot_of(mixture, 1)[0] == "given_up"


def test_a_slot_that_is_at_another_try_goes_on(mixture, curator):
    sample = make_try(mixture, 1, "held", "unscored", num_tries=1)
    sample_reject(actor=curator, sample_id=sample.pk)
    assert slot_of(mixture, 1) == ("open", "", 1)


def test_rejecting_a_held_try_leaves_the_accepted_one_in_its_slot(mixture, curator):
    held = make_try(mixture, 1, "held", "unscored")
    make_try(mixture, 1, "accepted", slot="filled", try_ix=1, num_tries=2)
    sample_reject(actor=curator, sample_id=held.pk)
    assert slot_of(mixture, 1) == ("filled", "", 2)


@pytest.mark.parametrize("status", ["rejected", "too_late"])
def test_what_is_out_already_is_not_rejected_again(mixture, curator, status):
    sample = make_try(mixture, 1, "rejected", "too_easy")
    with pytest.raises(WrongState, match="rejected already"):
        sample_reject(actor=curator, sample_id=sample.pk)


def free_index(mixture, skill: str, *, but: int = -1) -> int:
    return mixture.slots.filter(skill=skill).exclude(index=but).order_by("index").first().index


def test_a_sample_moves_to_a_slot_of_another_skill_and_its_calls_stay_findable(mixture, curator):
    sample = make_try(mixture, 0, "rejected", "off_skill", slot="given_up", num_tries=1)
    wanted = "word" if sample.slot.skill != "word" else "clock"
    sample_reassign(actor=curator, sample_id=sample.pk, skill=wanted)
    status, _, index, _ = sample_of(sample)
    assert (status, sample.slot.skill, slot_of(mixture, index)[0]) == ("accepted", wanted, "filled")
    decision = SampleDecision.objects.get()
    assert (decision.slot_before.index, decision.try_before) == (0, 0)


def test_given_up_slots_are_taken_before_open_ones(mixture, curator):
    sample = make_try(mixture, 0, "held", "unscored", num_tries=1)
    skill = sample.slot.skill
    last = mixture.slots.filter(skill=skill).order_by("-index").first()
    make_try(mixture, last.index, "rejected", "too_easy", slot="given_up", num_tries=1)
    sample_reassign(actor=curator, sample_id=sample.pk, skill=skill)
    assert sample_of(sample) == ("accepted", "", last.index, 1)


def test_a_moved_sample_keeps_off_the_try_that_a_wave_will_write(mixture, curator):
    sample = make_try(mixture, 0, "held", "unscored", num_tries=1)
    sample_reassign(actor=curator, sample_id=sample.pk, slot_index=5)
    assert sample_of(sample) == ("accepted", "", 5, 1)
    make_try(mixture, 5, "written", slot="filled", try_ix=0)


def test_the_place_that_a_moved_sample_filled_is_given_up(mixture, curator):
    sample = make_try(mixture, 0, "accepted", slot="filled", num_tries=1)
    sample_reassign(actor=curator, sample_id=sample.pk, slot_index=4)
    assert slot_of(mixture, 0) == ("given_up", "moved_by_person", 1)
    assert slot_of(mixture, 4)[0] == "filled"


def test_the_try_under_way_is_over_when_its_sample_moves(mixture, curator):
    sample = make_try(mixture, 0, "held", "unscored")
    sample_reassign(actor=curator, sample_id=sample.pk, slot_index=4)
    assert slot_of(mixture, 0) == ("open", "", 1)


def test_nowhere_to_go_is_said(mixture, curator):
    sample = make_try(mixture, 0, "held", "unscored")
    mixture.slots.filter(skill="word").exclude(index=0).update(status="filled")
    with pytest.raises(WrongState, match="No other slot"):
        sample_reassign(actor=curator, sample_id=sample.pk, skill="word")
    for where, field in (({"skill": "dance"}, "skill"), ({"slot_index": 99}, "slot"), ({}, "skill")):
        with pytest.raises(InvalidInput) as caught:
            sample_reassign(actor=curator, sample_id=sample.pk, **where)
        assert caught.value.field == field


@pytest.mark.parametrize("decide", [sample_accept, sample_reject, sample_reassign])
def test_deciding_takes_the_right_to_curate(mixture, decide):
    sample = make_try(mixture, 0, "held", "unscored")
    for person in (make_member(mixture.campaign, "viewer"), make_user(), make_user(is_staff=True)):
        with pytest.raises(NotAllowed):
            decide(actor=person, sample_id=sample.pk)
    with pytest.raises(NotFound):
        decide(actor=mixture.campaign.created_by, sample_id=sample.pk + 1)


def test_a_comment_has_an_end(mixture, curator):
    sample = make_try(mixture, 0, "held", "unscored")
    with pytest.raises(InvalidInput) as caught:
        sample_accept(actor=curator, sample_id=sample.pk, comment="x" * 2001)
    assert caught.value.field == "comment"


@pytest.mark.parametrize(
    ("status", "slot", "tries", "decide", "more"),
    [
        ("rejected", "given_up", 1, sample_accept, {}),
        ("held", "open", 0, sample_accept, {}),
        ("accepted", "filled", 1, sample_reject, {}),
        ("held", "open", 1, sample_reject, {}),
        ("accepted", "filled", 1, sample_reassign, {"slot_index": 6}),
        ("held", "open", 0, sample_reassign, {"slot_index": 6}),
    ],
)
def test_a_decision_can_be_taken_back(mixture, curator, status, slot, tries, decide, more):
    sample = make_try(mixture, 0, status, "" if status == "accepted" else "unscored", slot=slot, num_tries=tries)
    before = sample_of(sample), slot_of(mixture, 0), slot_of(mixture, 6)
    decide(actor=curator, sample_id=sample.pk, **more)
    assert (sample_of(sample), slot_of(mixture, 0), slot_of(mixture, 6)) != before
    decision = SampleDecision.objects.get()
    sample_decision_undo(actor=curator, decision_id=decision.pk)
    assert (sample_of(sample), slot_of(mixture, 0), slot_of(mixture, 6)) == before
    decision.refresh_from_db()
    assert decision.undone_at and AuditEvent.objects.filter(action="sample.undone").exists()


def test_a_decision_is_taken_back_once_and_only_while_nothing_else_happened(mixture, curator):
    sample = make_try(mixture, 0, "accepted", slot="filled", num_tries=1)
    sample_reject(actor=curator, sample_id=sample.pk)
    rejected = SampleDecision.objects.get()
    other = make_try(mixture, 0, "rejected", "too_hard", slot="given_up", try_ix=1)
    with pytest.raises(WrongState, match="Something else happened"):
        sample_decision_undo(actor=curator, decision_id=rejected.pk)
    other.delete()
    sample_decision_undo(actor=curator, decision_id=rejected.pk)
    with pytest.raises(WrongState):
        sample_decision_undo(actor=curator, decision_id=rejected.pk)
    with pytest.raises(NotFound):
        sample_decision_undo(actor=curator, decision_id=rejected.pk + 1)


def test_an_older_decision_waits_for_the_newer_one_to_be_taken_back(mixture, curator):
    sample = make_try(mixture, 0, "held", "unscored", slot="given_up", num_tries=1)
    sample_accept(actor=curator, sample_id=sample.pk)
    first = SampleDecision.objects.get()
    sample_reassign(actor=curator, sample_id=sample.pk, slot_index=6)
    with pytest.raises(WrongState, match="Something else"):
        sample_decision_undo(actor=curator, decision_id=first.pk)
    sample_decision_undo(actor=curator, decision_id=SampleDecision.objects.latest("pk").pk)
    sample_decision_undo(actor=curator, decision_id=first.pk)
    assert sample_of(sample) == ("held", "unscored", 0, 0)


def test_of_two_people_the_second_is_told(mixture, curator):
    sample = make_try(mixture, 0, "held", "unscored")
    sample_accept(actor=curator, sample_id=sample.pk)
    with pytest.raises(WrongState, match="accepted already"):
        sample_accept(actor=mixture.campaign.created_by, sample_id=sample.pk)
    assert SampleDecision.objects.count() == 1 == Sample.objects.filter(status="accepted").count()
