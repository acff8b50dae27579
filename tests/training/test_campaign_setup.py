"""A campaign from its file: whole or not at all, completed by the same file, refused when it is another one."""

from io import StringIO

import pytest
import yaml
from django.core.management import CommandError, call_command

from core.budget_caps import CapValues
from core.errors import InvalidInput, NotAllowed, WrongState
from core.jobs.engine import execute_next
from core.models import AuditEvent, Campaign, Endpoint, Job, Membership
from core.roles import CHAT_ROLES
from dpe_site.stage_table import HANDLERS
from tests.factories import make_user
from tests.training.campaign_files import make_file, raw_file, write_parts
from training.selectors.setups import campaign_file_of
from training.services.campaign_setup import campaign_set_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(import_root):
    write_parts(import_root)
    return make_user("ada")


def work() -> None:
    while execute_next("work", HANDLERS):
        pass


def test_a_file_makes_the_campaign_its_endpoints_members_and_imports(actor):
    make_user("bob")
    setup = campaign_set_up(actor=actor, file=make_file(members=[{"user": "bob", "role": "viewer"}]))
    assert setup.is_new
    assert [(one.kind, one.name) for one in setup.waiting] == [
        ("checkpoint", "base"),
        ("benchmark", "shapes"),
        ("pool", "photos"),
    ]
    assert set(Endpoint.objects.values_list("role", flat=True)) == set(CHAT_ROLES)
    assert set(Membership.objects.values_list("user__username", "role")) == {("ada", "admin"), ("bob", "viewer")}
    work()
    assert set(Job.objects.values_list("status", flat=True)) == {"succeeded"}
    assert setup.campaign.pools.get().num_images == 2


def test_the_same_file_again_changes_nothing(actor):
    first = campaign_set_up(actor=actor, file=make_file())
    again = campaign_set_up(actor=actor, file=make_file())
    assert [one.job for one in again.waiting] == [one.job for one in first.waiting], "live imports are found again"
    work()
    deeds = AuditEvent.objects.count()
    whole = campaign_set_up(actor=actor, file=make_file())
    assert (whole.is_new, whole.waiting, AuditEvent.objects.count()) == (False, (), deeds)


def test_a_campaign_that_lacks_something_is_completed(actor):
    campaign_set_up(actor=actor, file=make_file(endpoints=[], pools=[]))
    assert not Endpoint.objects.exists()
    setup = campaign_set_up(actor=actor, file=make_file())
    assert Endpoint.objects.count() == len(CHAT_ROLES)
    assert Job.objects.filter(kind="pool_import").count() == 1
    assert not setup.is_new


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 4},
        {"settings": {}},
        {"endpoints": [{"roles": ["planner"], "base_url": "http://127.0.0.1:10/v1", "model": "teacher"}]},
        {"members": [{"user": "bob", "role": "admin"}]},
    ],
)
def test_another_file_under_the_same_slug_is_refused_and_changes_nothing(actor, changes):
    make_user("bob")
    campaign_set_up(actor=actor, file=make_file(members=[{"user": "bob", "role": "viewer"}]))
    deeds = AuditEvent.objects.count()
    with pytest.raises(WrongState):
        campaign_set_up(actor=actor, file=make_file(**changes))
    assert AuditEvent.objects.count() == deeds


def test_a_strangers_campaign_is_not_completed(actor):
    campaign_set_up(actor=actor, file=make_file())
    with pytest.raises(NotAllowed):
        campaign_set_up(actor=make_user(), file=make_file())


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"checkpoint": {"name": "x", "path": "../../etc"}}, "checkpoint.path"),
        ({"benchmarks": [{"name": "x", "path": "shapes.tsv"}, {"name": "y", "path": "none.tsv"}]}, "benchmarks.1.path"),
        ({"pools": [{"name": "x", "path": "models"}]}, "pools.0.path"),
        ({"endpoints": [{"base_url": "file:///etc/passwd", "model": "m"}]}, "endpoints.0.base_url"),
        (
            {"endpoints": [{"base_url": "http://x/v1", "model": "m", "key_env": "DPE_SECRET_KEY"}]},
            "endpoints.0.key_env",
        ),
        ({"members": [{"user": "nobody", "role": "viewer"}]}, "members.0.user"),
        ({"settings": {"gate": {"margin": 0.1}}}, "settings.gate.margin_signed_by"),
    ],
)
def test_a_fault_anywhere_is_named_by_its_place_and_leaves_nothing(actor, changes, place):
    with pytest.raises(InvalidInput) as caught:
        campaign_set_up(actor=actor, file=make_file(**changes))
    assert caught.value.field == place
    assert str(caught.value).count(place.rsplit(".", 1)[-1] + ":") <= 1
    assert not Campaign.objects.exists() and not Job.objects.exists() and not AuditEvent.objects.exists()


@pytest.fixture
def path(tmp_path, actor):
    path = tmp_path / "campaign.yaml"
    path.write_text(yaml.safe_dump(raw_file()))
    return path


def command(*args: object) -> str:
    out = StringIO()
    call_command("campaign_create", *map(str, args), stdout=out)
    return out.getvalue()


def test_the_command_prints_what_waits_and_where_the_page_is(path):
    lines = command(path).splitlines()
    assert lines[0] == "first was made"
    assert lines[1].startswith("checkpoint base: job #") and lines[1].endswith("is waiting")
    assert lines[-1] == "/campaigns/first/"
    assert command(path, "--actor", "ada").startswith("first was there already")


def test_the_command_that_only_checks_writes_nothing_and_says_by_its_status_that_something_fails(path):
    with pytest.raises(SystemExit) as ended:
        command(path, "--check")
    assert ended.value.code == 1
    assert not Campaign.objects.exists()
    said = command(path, "--check", "--offline")
    assert "ok    checkpoint:" in said and "was not asked" in said


def test_the_command_names_a_file_that_cannot_be_read_and_an_actor_who_is_not_there(path, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        command(tmp_path / "none.yaml")
    with pytest.raises(CommandError, match="Nobody signs in here as eve"):
        command(path, "--actor", "eve")
    make_user("bob")
    with pytest.raises(CommandError, match="--actor NAME"):
        command(path)
    path.write_text("slug: first\nslug: second\n")
    with pytest.raises(CommandError, match="line 2, column 1: the key 'slug' comes twice"):
        command(path, "--actor", "ada")


def test_a_files_caps_are_set_once_come_out_again_and_others_are_refused(actor):
    campaign = campaign_set_up(actor=actor, file=make_file(budget={"money": 12.5, "hours": 2})).campaign
    budget = campaign.budgets.get()
    assert (float(budget.cap_money), budget.cap_tokens, budget.cap_seconds) == (12.5, None, 7200)
    assert campaign_file_of(campaign).budget == CapValues(money=12.5, hours=2)
    campaign_set_up(actor=actor, file=make_file(budget={"money": 12.5, "hours": 2}))
    campaign_set_up(actor=actor, file=make_file())
    assert AuditEvent.objects.filter(action="budget.set").count() == 1
    with pytest.raises(WrongState, match="caps"):
        campaign_set_up(actor=actor, file=make_file(budget={"money": 99}))
