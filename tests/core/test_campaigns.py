import pytest

from core.campaigns import campaign_create, endpoint_set
from core.errors import InvalidInput, NotAllowed, WrongState
from core.models import AuditEvent, Campaign, Endpoint
from tests.factories import make_campaign, make_member, make_user

pytestmark = pytest.mark.django_db
WIDE = {"gate": {"margin": 0.1}}


def create(actor, **changes):
    fields = {"slug": "vl", "name": "VL", "seed": 1, "settings": {}} | changes
    return campaign_create(actor=actor, **fields)


def test_its_maker_is_its_admin_and_the_deed_is_on_record():
    actor = make_user()
    campaign = create(actor)
    assert campaign.memberships.get().role == "admin"
    assert AuditEvent.objects.get(campaign=campaign).action == "campaign.created"


def test_making_the_same_campaign_again_changes_nothing_and_another_one_is_refused():
    actor = make_user()
    assert create(actor).pk == create(actor).pk
    with pytest.raises(WrongState):
        create(actor, seed=2)
    assert Campaign.objects.get().seed == 1


def test_a_strangers_campaign_is_not_handed_out():
    create(make_user())
    with pytest.raises(NotAllowed):
        create(make_user())


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"gate": {"margn": 0.1}}, "settings.gate.margn"),
        ({"diagnosis": {"tau": 1.5}}, "settings.diagnosis.tau"),
        ({"mixture": {"policy": "guess"}}, "settings.mixture.policy"),
        ("text", "settings."),
    ],
)
def test_a_bad_setting_is_named(given, field):
    with pytest.raises(InvalidInput) as caught:
        create(make_user(), settings=given)
    assert caught.value.field == field
    assert not Campaign.objects.exists()


def test_a_gate_margin_wider_than_three_points_needs_a_signature():
    with pytest.raises(InvalidInput, match="margin_signed_by"):
        create(make_user(), settings=WIDE)
    signed = {"gate": {"margin": 0.1, "margin_signed_by": "demo"}}
    assert create(make_user(), settings=signed).config.gate.margin == 0.1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "http://", "http://user:secret@host/v1", ""])
def test_an_endpoint_takes_http_addresses_without_secrets(url):
    campaign = make_campaign()
    with pytest.raises(InvalidInput) as caught:
        endpoint_set(actor=campaign.created_by, campaign=campaign, role="planner", fields={"base_url": url})
    assert caught.value.field == "base_url"
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "curator", "researcher", "approver"])
def test_only_an_admin_sets_endpoints(role):
    campaign = make_campaign()
    with pytest.raises(NotAllowed):
        endpoint_set(actor=make_member(campaign, role), campaign=campaign, role="planner", fields={})
