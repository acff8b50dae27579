"""Settings and members change by services that ask, note what changed, and refuse what somebody has not seen."""

import pytest

from core.campaigns import campaign_settings_set, endpoint_set, member_remove, member_set, settings_hash
from core.errors import InvalidInput, NotAllowed, WrongState
from core.models import AuditEvent
from tests.factories import make_campaign, make_member, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    return make_campaign()


def settings_set(campaign, settings, *, seen: str = "", actor=None):
    actor, seen = actor or campaign.created_by, seen or settings_hash(campaign)
    return campaign_settings_set(actor=actor, campaign=campaign, settings=settings, seen=seen)


def test_settings_change_and_the_record_says_from_what_to_what(campaign):
    settings_set(campaign, {"gate": {"margin": 0.02}, "difficulty": {"sampling": {"num_answers": 4}}})
    assert campaign.config.gate.margin == 0.02
    changes = AuditEvent.objects.get(action="campaign.settings_set").data["changes"]
    assert changes["gate.margin"] == [0.03, 0.02]
    assert changes["difficulty.sampling.num_answers"] == [9, 4]


def test_settings_that_stay_leave_no_record(campaign):
    settings_set(campaign, campaign.settings)
    assert not AuditEvent.objects.exists()


def test_a_form_that_is_stale_changes_nothing(campaign):
    seen = settings_hash(campaign)
    settings_set(campaign, {"gate": {"margin": 0.02}})
    with pytest.raises(WrongState, match="changed since"):
        settings_set(campaign, {"gate": {"margin": 0.01}}, seen=seen)
    campaign.refresh_from_db()
    assert campaign.config.gate.margin == 0.02


def test_a_bad_setting_or_an_unsigned_margin_changes_nothing(campaign):
    for bad in ({"gate": {"margin": 0.1}}, {"diagnosis": {"tau": 2}}):
        with pytest.raises(InvalidInput):
            settings_set(campaign, bad)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "curator", "researcher", "approver"])
def test_only_an_admin_changes_settings_and_members(campaign, role):
    actor = make_member(campaign, role)
    with pytest.raises(NotAllowed):
        settings_set(campaign, {}, actor=actor)
    with pytest.raises(NotAllowed):
        member_set(actor=actor, campaign=campaign, username=actor.username, role="admin")
    with pytest.raises(NotAllowed):
        member_remove(actor=actor, campaign=campaign, username=campaign.created_by.username)


def test_members_come_change_and_go_on_record(campaign):
    admin, ada = campaign.created_by, make_user("ada")
    for role in ("viewer", "viewer", "approver"):
        member_set(actor=admin, campaign=campaign, username="ada", role=role)
    assert campaign.memberships.get(user=ada).role == "approver"
    member_remove(actor=admin, campaign=campaign, username="ada")
    assert not campaign.memberships.filter(user=ada).exists()
    deeds = AuditEvent.objects.order_by("id").values_list("action", "data__role")
    assert list(deeds) == [("member.set", "viewer"), ("member.set", "approver"), ("member.removed", "approver")]


def test_the_last_admin_can_neither_go_nor_step_down(campaign):
    admin = campaign.created_by
    with pytest.raises(WrongState, match="only admin"):
        member_remove(actor=admin, campaign=campaign, username=admin.username)
    with pytest.raises(WrongState, match="only admin"):
        member_set(actor=admin, campaign=campaign, username=admin.username, role="viewer")
    other = make_member(campaign, "admin")
    member_remove(actor=other, campaign=campaign, username=admin.username)
    assert campaign.memberships.get().user == other


def test_who_has_no_account_cannot_be_a_member(campaign):
    with pytest.raises(InvalidInput) as caught:
        member_set(actor=campaign.created_by, campaign=campaign, username="nobody", role="viewer")
    assert caught.value.field == "user"
    with pytest.raises(InvalidInput, match="no member"):
        member_remove(actor=campaign.created_by, campaign=campaign, username=make_user("bob").username)


@pytest.mark.parametrize("name", ["DPE_SECRET_KEY", "DATABASE_URL", "DJANGO_KEY", "PATH"])
def test_a_secret_of_the_server_is_no_key_of_an_endpoint(campaign, name):
    fields = {"base_url": "http://x/v1", "model": "m", "key_env": name}
    with pytest.raises(InvalidInput) as caught:
        endpoint_set(actor=campaign.created_by, campaign=campaign, role="planner", fields=fields)
    assert caught.value.field == "key_env"


def test_what_a_test_found_holds_for_the_same_server_only(campaign):
    def put(**changes):
        fields = {"base_url": "http://x/v1", "model": "m", "key_env": "", **changes}
        return endpoint_set(actor=campaign.created_by, campaign=campaign, role="planner", fields=fields)

    row = put()
    type(row).objects.filter(pk=row.pk).update(capabilities={"answers": True})
    assert put(concurrency=4).capabilities == {"answers": True}
    assert put(model="other").capabilities == {}
