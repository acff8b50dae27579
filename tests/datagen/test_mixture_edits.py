"""A person changes a mixture that waits: quotas stay exact, the hash is new, and nobody signs what they did not see."""

import pytest
from django.db import connection

from core.errors import InvalidInput, NotAllowed, WrongState
from core.models import AuditEvent
from datagen.domain.edits import MixtureEdit
from datagen.domain.mixture import Purpose, manifest_hash
from datagen.models import Mixture
from datagen.proposals import proposal_of
from datagen.services.mixture_edits import mixture_edit, mixture_preview, mixture_restore
from datagen.services.mixtures import mixture_approve
from tests.datagen.rows import make_mixture
from tests.factories import make_campaign, make_member

pytestmark = pytest.mark.django_db


def edit(mixture: Mixture, shares=None, purposes=None, locked=(), **changes) -> Mixture:
    given = {"actor": mixture.campaign.created_by, "mixture_id": mixture.pk, "seen_hash": mixture.manifest_hash}
    return mixture_edit(**{**given, **changes}, edit=MixtureEdit(shares or {}, purposes or {}, locked))


def approve(mixture: Mixture, **changes) -> Mixture:
    given = {"actor": mixture.campaign.created_by, "mixture_id": mixture.pk, "manifest_hash": mixture.manifest_hash}
    return mixture_approve(**{**given, **changes})


def recomputed(mixture: Mixture) -> str:
    return manifest_hash(proposal_of(mixture, list(mixture.rows.order_by("id"))))


def quotas(mixture: Mixture) -> dict[str, int]:
    return dict(mixture.rows.order_by("id").values_list("skill", "quota"))


def test_the_hash_of_every_stored_mixture_can_be_computed_from_its_rows():
    mixture = make_mixture(total=100)
    proposed = mixture.manifest_hash
    assert recomputed(mixture) == proposed
    mixture = edit(mixture, {"clock": 20}, {"word": Purpose.REPLAY}, locked=["colour"])
    assert recomputed(mixture) == mixture.manifest_hash != proposed
    mixture = approve(edit(mixture, {"colour": 0}))
    assert recomputed(mixture) == mixture.manifest_hash


def test_an_edit_keeps_the_total_the_seed_and_the_policys_own_numbers():
    mixture = make_mixture(total=100)
    before = quotas(mixture)
    changed = edit(mixture, {"clock": 20})
    assert (sum(quotas(changed).values()), quotas(changed)["clock"]) == (100, 20)
    assert dict(changed.rows.values_list("skill", "proposed_quota")) == before
    assert (changed.total, changed.seed, changed.edited_by) == (100, mixture.seed, mixture.campaign.created_by)
    assert changed.notes[-1].startswith(f"Edited by {changed.edited_by}: clock {before['clock']} → 20;")


def test_a_skill_may_get_nothing_and_then_has_no_slots():
    mixture = approve(edit(make_mixture(total=20), {"word": 0}))
    assert mixture.slots.count() == 20
    assert not mixture.slots.filter(skill="word").exists()


def test_a_second_edit_starts_from_the_first_and_tells_all_that_differs_from_the_proposal():
    mixture = make_mixture(total=100)
    before = quotas(mixture)
    twice = edit(edit(mixture, {"clock": 20}, locked=["colour"]), {"colour": 10}, locked=["clock"])
    assert (quotas(twice)["clock"], quotas(twice)["colour"], quotas(twice)["word"]) == (20, 10, 70)
    assert len([note for note in twice.notes if note.startswith("Edited by")]) == 1
    assert f"clock {before['clock']} → 20" in twice.notes[-1]


def test_back_to_the_proposal_is_the_very_same_manifest():
    mixture = make_mixture(total=100)
    before = list(mixture.rows.order_by("id").values())
    changed = edit(mixture, {"clock": 20}, {"colour": Purpose.TARGET})
    back = mixture_restore(actor=changed.campaign.created_by, mixture_id=mixture.pk, seen_hash=changed.manifest_hash)
    assert list(back.rows.order_by("id").values()) == before
    assert (back.manifest_hash, back.notes, back.edited_by) == (mixture.manifest_hash, mixture.notes, None)
    assert AuditEvent.objects.filter(action="mixture.restored").count() == 1


def test_an_approver_with_the_old_page_open_approves_nothing():
    mixture = make_mixture()
    edit(mixture, {"clock": 1})
    with pytest.raises(WrongState):
        approve(mixture)
    assert Mixture.objects.get().status == "submitted"


def test_an_editor_with_the_old_page_open_changes_nothing():
    mixture = make_mixture(total=100)
    first = edit(mixture, {"clock": 20})
    with pytest.raises(WrongState):
        edit(mixture, {"clock": 30})
    assert quotas(mixture) == quotas(first)


def test_a_rival_who_approves_during_an_edit_wins_and_the_rows_stay_as_approved():
    mixture = make_mixture(total=100)
    before, came = quotas(mixture), []

    def rival(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and not came:
            came.append(True)
            approve(mixture)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(rival), pytest.raises(WrongState):
        edit(mixture, {"clock": 20})
    assert quotas(mixture) == before
    assert recomputed(Mixture.objects.get()) == mixture.manifest_hash


def test_a_preview_is_what_would_be_signed_and_writes_nothing():
    mixture = make_mixture(total=100)
    actor, wish = mixture.campaign.created_by, MixtureEdit({"clock": 20}, {}, ())
    seen = mixture_preview(actor=actor, mixture_id=mixture.pk, edit=wish)
    assert Mixture.objects.get().manifest_hash == mixture.manifest_hash
    assert manifest_hash(seen) == edit(mixture, {"clock": 20}).manifest_hash


@pytest.mark.parametrize(
    ("shares", "purposes", "locked", "field"),
    [
        ({"nobody": 1}, {}, (), "shares.nobody"),
        ({"clock": -1}, {}, (), "shares.clock"),
        ({"clock": float("nan")}, {}, (), "shares.clock"),
        ({"clock": float("inf")}, {}, (), "shares.clock"),
        ({}, {"nobody": Purpose.REPLAY}, (), "purposes.nobody"),
        ({}, {}, ("nobody",), "locked.nobody"),
        ({}, {}, (), "shares"),
    ],
)
def test_what_cannot_be_names_its_field_and_changes_nothing(shares, purposes, locked, field):
    mixture = make_mixture()
    with pytest.raises(InvalidInput) as error:
        edit(mixture, shares, purposes, locked)
    assert error.value.field == field
    assert Mixture.objects.get().manifest_hash == mixture.manifest_hash


def test_editing_takes_the_right_to_research_and_is_audited_with_what_differs():
    mixture = make_mixture(total=100)
    with pytest.raises(NotAllowed):
        edit(mixture, {"clock": 20}, actor=make_member(mixture.campaign, "curator"))
    before = quotas(mixture)["clock"]
    edit(mixture, {"clock": 20}, actor=make_member(mixture.campaign, "researcher"))
    event = AuditEvent.objects.get(action="mixture.edited")
    assert event.data["changes"][0] == {"skill": "clock", "quota": [before, 20], "purpose": ["target", "target"]}
    assert event.data["seen_hash"] == mixture.manifest_hash


def test_where_two_persons_must_agree_no_editor_approves_not_even_an_earlier_one():
    campaign = make_campaign(mixture={"total": 100, "two_persons": True})
    ada, bob, cyd = (make_member(campaign, "approver") for _ in range(3))
    mixture = edit(edit(make_mixture(campaign), {"clock": 20}, actor=ada), {"clock": 30}, actor=bob)
    for editor in (ada, bob):
        with pytest.raises(NotAllowed, match="two persons"):
            approve(mixture, actor=editor)
    assert approve(mixture, actor=cyd).status == "approved"


def test_a_mixture_that_was_restored_has_no_editor():
    campaign = make_campaign(mixture={"total": 100, "two_persons": True})
    ada = make_member(campaign, "approver")
    changed = edit(make_mixture(campaign), {"clock": 20}, actor=ada)
    back = mixture_restore(actor=ada, mixture_id=changed.pk, seen_hash=changed.manifest_hash)
    assert approve(back, actor=ada).status == "approved"


def test_a_weakness_that_is_only_replayed_is_not_aimed_at_and_is_again_when_restored():
    mixture = make_mixture(total=20)
    mixture.rows.filter(skill="clock").update(directions=[["reasoning", 3]])
    mixture.manifest_hash = recomputed(mixture)
    mixture.save()
    replayed = edit(mixture, {}, {"clock": Purpose.REPLAY})
    assert recomputed(replayed) == replayed.manifest_hash
    back = mixture_restore(actor=mixture.campaign.created_by, mixture_id=mixture.pk, seen_hash=replayed.manifest_hash)
    assert back.manifest_hash == mixture.manifest_hash
    again = edit(back, {}, {"clock": Purpose.REPLAY})
    assert set(approve(again).slots.filter(skill="clock").values_list("error_type", flat=True)) == {""}
