"""One decision about many samples: nothing is passed over in silence, and a dry run changes nothing."""

import pytest

from core.errors import InvalidInput
from core.models import AuditEvent
from datagen.models import Sample, SampleDecision, Slot
from datagen.services.bulk_curation import SkillChange, samples_decide
from tests.datagen.curation_rows import make_curated, make_try
from tests.factories import make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def mixture():
    return make_curated()


@pytest.fixture
def samples(mixture):
    """Two that can be accepted, one that cannot, one that is under way."""
    return [
        make_try(mixture, 0, "held", "unscored"),
        make_try(mixture, 1, "rejected", "too_easy", slot="given_up", num_tries=1),
        make_try(mixture, 2, "rejected", "malformed", question=""),
        make_try(mixture, 3, "checked"),
    ]


def state():
    rows = Sample.objects.order_by("pk").values_list("pk", "slot", "try_ix", "status", "reason")
    return list(rows), list(Slot.objects.order_by("pk").values_list("status", "reason", "num_tries"))


def test_a_dry_run_says_what_would_happen_and_the_real_one_does_exactly_that(mixture, samples):
    before, actor = state(), make_member(mixture.campaign, "curator")
    facts = {"actor": actor, "sample_ids": [one.pk for one in samples], "decision": "accept", "comment": "fine"}
    dry = samples_decide(**facts)
    assert state() == before
    assert not SampleDecision.objects.exists() and not AuditEvent.objects.filter(action__startswith="sample.").exists()
    real = samples_decide(**facts, dry_run=False)
    assert (dry.decided, dry.refused, dry.skills) == (real.decided, real.refused, real.skills)
    assert real.decided == (samples[0].pk, samples[1].pk)
    assert [(one.sample_id, one.why.split(":")[0]) for one in real.refused] == [
        (samples[2].pk, "It cannot be used"),
        (samples[3].pk, "It is under way"),
    ]
    assert SampleDecision.objects.count() == 2 == Sample.objects.filter(status="accepted").count()


def test_the_change_of_every_skill_is_told(mixture, samples):
    actor, skill = mixture.campaign.created_by, samples[0].slot.skill
    num_slots = mixture.slots.filter(skill=skill).count()
    dry = samples_decide(actor=actor, sample_ids=[samples[0].pk], decision="accept")
    assert dry.skills == (SkillChange(skill, num_slots, 0, 1),)


def test_many_move_to_a_skill_until_its_slots_are_used_up(mixture, samples):
    free = Slot.objects.filter(skill="word", index__gt=3).first()
    Slot.objects.filter(skill="word").exclude(pk=free.pk).update(status="filled")
    ids = [samples[0].pk, samples[1].pk]
    done = samples_decide(
        actor=mixture.campaign.created_by, sample_ids=ids, decision="reassign", skill="word", dry_run=False
    )
    assert (done.decided, [one.sample_id for one in done.refused]) == ((ids[0],), [ids[1]])
    assert "No other slot" in done.refused[0].why
    assert Sample.objects.get(status="accepted").slot_id == free.pk


def test_samples_of_other_campaigns_are_refused_one_by_one(samples, mixture):
    curator = make_member(mixture.campaign, "curator")
    other = make_try(make_curated(), 0, "held", "unscored")
    ids = [samples[0].pk, other.pk, 10**9]
    done = samples_decide(actor=curator, sample_ids=ids, decision="reject", dry_run=False)
    assert done.decided == (samples[0].pk,)
    assert [one.sample_id for one in done.refused] == [other.pk, 10**9]
    assert "lacks the right to curate" in done.refused[0].why


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"sample_ids": []}, "samples"),
        ({"sample_ids": range(1, 500)}, "samples"),
        ({"decision": "delete"}, "decision"),
        ({"decision": "reassign"}, "skill"),
        ({"decision": "reassign", "skill": "dance"}, "skill"),
    ],
)
def test_a_bad_request_names_its_field_and_changes_nothing(mixture, samples, body, field):
    before = state()
    facts = {"sample_ids": [one.pk for one in samples], "decision": "accept", "dry_run": False, **body}
    with pytest.raises(InvalidInput) as caught:
        samples_decide(actor=mixture.campaign.created_by, **facts)
    assert (caught.value.field, state()) == (field, before)
