"""Rounds through REST, as a script sees them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from knox.models import AuthToken
from rest_framework.test import APIClient

from core.models import AuditEvent
from tests.factories import make_campaign, make_member, make_user
from tests.training.rows import make_campaign_ready, make_checkpoint
from tests.training.stage_play import Play, manifest_of, named_error
from training.models import Round
from training.services.rounds import round_start

pytestmark = pytest.mark.django_db


def client_of(user) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {AuthToken.objects.create(user=user)[1]}")
    return client


@pytest.fixture
def campaign():
    return make_campaign_ready()


@pytest.fixture
def approver(campaign) -> APIClient:
    return client_of(make_member(campaign, "approver"))


def url(campaign, rest: str = "") -> str:
    return f"/api/v1/campaigns/{campaign.slug}/rounds{rest}"


def send(client: APIClient, path: str, **body):
    return client.post(path, body, format="json")


def test_a_script_takes_a_round_from_start_to_end(campaign, approver):
    play = Play(verdict="wait", waves=[1, 0])
    started = send(approver, url(campaign), checkpoint=None)
    assert (started.status_code, started.json()["number"]) == (201, 1)
    play.work()
    seen = approver.get(url(campaign, "/1")).json()
    assert (seen["waits_for"], seen["status"]) == ("approve", "waiting")
    assert {row["skill"]: row["quota"] for row in seen["mixture"]["rows"]} == {"clock": 2, "colour": 2, "count": 2}
    answer = send(approver, url(campaign, "/1/approve"), manifest_hash=seen["mixture"]["manifest_hash"], comment="go")
    assert answer.status_code == 200
    play.work()
    seen = approver.get(url(campaign, "/1")).json()
    assert (seen["waits_for"], seen["evaluation"]["verdict"]) == ("decide", "wait")
    slots = {"slots": 6, "filled": 6, "open": 0, "given_up": 0}
    assert seen["samples"] == {**slots, "accepted": 0, "held": 0, "under_way": 0, "rejected": {}}
    ended = send(approver, url(campaign, "/1/decide"), decision="promoted", comment="fine")
    assert (ended.status_code, ended.json()["decision"], ended.json()["waits_for"]) == (200, "promoted", None)
    assert ended.json()["child"]["name"] == f"{campaign.slug}-round-1"


def test_what_a_round_says_holds_every_field_of_the_contract(campaign, approver):
    send(approver, url(campaign))
    Play().work()
    seen = approver.get(url(campaign, "/1")).json()
    top = {"number", "status", "parent", "child", "decision", "stages", "waits_for", "mixture", "report", "samples"}
    assert top | {"evaluation"} <= set(seen)
    stage = {"stage", "take", "status", "waiting_for", "job", "done", "total", "unit", "error_code", "error_message"}
    assert stage | {"opened_at", "ended_at", "seconds"} <= set(seen["stages"][0])
    assert {"id", "policy", "total", "manifest_hash", "rows"} <= set(seen["mixture"])
    assert {"skill", "purpose", "weight", "quota", "why"} <= set(seen["mixture"]["rows"][0])
    assert {"id", "skills"} <= set(seen["report"])
    assert seen["evaluation"] is None


def test_a_second_round_is_a_conflict_while_one_is_open(campaign, approver):
    assert send(approver, url(campaign)).status_code == 201
    again = send(approver, url(campaign))
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    assert [row["number"] for row in approver.get(url(campaign)).json()["data"]] == [1]


def test_a_changed_manifest_is_a_conflict_and_changes_nothing(campaign, approver):
    send(approver, url(campaign))
    Play().work()
    answer = send(approver, url(campaign, "/1/approve"), manifest_hash="0" * 64)
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert approver.get(url(campaign, "/1")).json()["waits_for"] == "approve"


def test_a_researcher_may_start_and_not_approve(campaign):
    researcher = client_of(make_member(campaign, "researcher"))
    assert send(researcher, url(campaign)).status_code == 201
    Play().work()
    manifest = manifest_of(Round.objects.get())
    assert send(researcher, url(campaign, "/1/approve"), manifest_hash=manifest).status_code == 403
    assert send(researcher, url(campaign, "/1/decide"), decision="rejected").status_code == 403


def test_a_viewer_looks_and_a_stranger_does_not(campaign, approver):
    send(approver, url(campaign))
    viewer, stranger = client_of(make_member(campaign, "viewer")), client_of(make_user())
    assert viewer.get(url(campaign, "/1")).status_code == 200
    assert send(viewer, url(campaign)).status_code == 403
    assert [stranger.get(url(campaign, rest)).status_code for rest in ("", "/1")] == [403, 403]


def test_sending_back_needs_a_reason(campaign, approver):
    send(approver, url(campaign))
    play = Play()
    play.work()
    assert send(approver, url(campaign, "/1/send-back"), comment="").json()["field"] == "comment"
    answer = send(approver, url(campaign, "/1/send-back"), comment="less colour")
    assert answer.json()["stages"][-1]["stage"] == "mixture"
    assert AuditEvent.objects.get(action="round.sent_back").data["comment"] == "less colour"


def test_a_failed_stage_says_what_happened_and_is_retried(campaign, approver):
    send(approver, url(campaign))
    play = Play(errors={"report": named_error()})
    play.work()
    seen = approver.get(url(campaign, "/1")).json()
    stage = seen["stages"][-1]
    assert (seen["status"], stage["error_code"]) == ("failed", "out_of_memory")
    assert "retry" in stage["waiting_for"]
    answer = send(approver, url(campaign, "/1/retry"))
    assert (answer.status_code, answer.json()["stages"][-1]["status"]) == (202, "waiting")
    assert send(approver, url(campaign, "/1/retry")).status_code == 409


def test_a_stage_is_redone(campaign, approver):
    send(approver, url(campaign))
    Play().work()
    answer = send(approver, url(campaign, "/1/redo"), stage="report")
    assert answer.status_code == 202
    assert [(row["stage"], row["take"]) for row in answer.json()["stages"] if row["status"] != "stale"] == [
        ("diagnose", 1),
        ("report", 2),
    ]


def test_bad_input_names_its_field(campaign, approver):
    foreign = make_checkpoint(make_campaign())
    assert send(approver, url(campaign), checkpoint=foreign.pk).json()["field"] == "checkpoint"
    assert send(approver, url(campaign), checkpoint="x").json()["field"] == "checkpoint"
    assert send(approver, url(campaign), surprise=1).json()["field"] == "surprise"
    assert approver.get(url(campaign, "/9")).status_code == 404


def test_the_list_takes_as_many_queries_for_many_rounds(campaign):
    viewer = client_of(make_member(campaign, "viewer"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert viewer.get(url(campaign)).status_code == 200
        return len(seen)

    actor, approver = campaign.created_by, client_of(make_member(campaign, "approver"))
    round_start(actor=actor, campaign=campaign)
    one = queries()
    for number in (1, 2, 3):
        play = Play()
        play.work()
        send(approver, url(campaign, f"/{number}/approve"), manifest_hash=manifest_of(Round.objects.latest("id")))
        play.work()
        round_start(actor=actor, campaign=campaign)
    assert queries() == one
