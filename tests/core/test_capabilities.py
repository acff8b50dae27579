"""What a test found is used: how JSON is asked for, whether several answers are, who may not look at pictures."""

import json

import pytest
from aiohttp import web
from asgiref.sync import async_to_sync
from django.utils import timezone
from pydantic import BaseModel

from core.asking import fenced
from core.campaigns import endpoints_set
from core.errors import NotConfigured
from core.ledger import ledger_open
from core.models import Endpoint
from core.provider import SCHEMA_WORDS, CallRefused, CallRequest
from core.roles import ROLES, TIMEOUTS_S
from tests.factories import make_campaign, make_context, make_job
from tests.fake_endpoint import FakeEndpoint, served


class Word(BaseModel):
    word: str


KEEPS = {"images": True, "n": 2, "json_schema": True}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr("django.conf.settings.CALL_PATIENCE_S", 0)


@pytest.fixture
def server():
    with served(FakeEndpoint({"Word": lambda asked: {"word": "x"}, "": lambda asked: "plain"})) as endpoint:
        yield endpoint


def ask(server: FakeEndpoint, capabilities: dict, *requests: CallRequest, is_tested: bool = True) -> Endpoint:
    """The endpoint after these calls, one after the other, of a job of its own."""
    checked = timezone.now() if is_tested else None
    row = Endpoint.objects.create(
        campaign=make_campaign(), role="planner", base_url=server.url, model="m", capabilities=capabilities,
        checked_at=checked,
    )  # fmt: skip

    context = make_context(make_job(campaign=row.campaign))

    async def main():
        async with ledger_open(context) as ledger:
            for request in requests:
                answer = await ledger.ask(request)
                assert request.schema is None or answer.parsed(Word)[0] == Word(word="x")

    async_to_sync(main)()
    row.refresh_from_db()
    return row


def request(subject: str = "s", **fields) -> CallRequest:
    return CallRequest("planner", subject, "v", "be brief", fenced({"title": "x"}), Word, **fields)


@pytest.mark.parametrize(
    ("capabilities", "form"),
    [
        ({}, "json_schema"),
        ({"error": "It did not answer", "json_schema": False}, "json_schema"),
        (KEEPS, "json_schema"),
        ({**KEEPS, "json_schema": False, "json_object": True}, "json_object"),
        ({**KEEPS, "json_schema": False, "json_object": False}, ""),
        ({**KEEPS, "json_schema": False}, ""),
    ],
)
def test_json_is_asked_for_in_the_best_way_that_the_server_knows(server, capabilities, form):
    ask(server, capabilities, request())
    asked = server.seen[0]
    assert (asked.format, asked.schema) == (form, "Word") and asked.text == request().text
    words = "" if form == "json_schema" else SCHEMA_WORDS + json.dumps(Word.model_json_schema())
    assert asked.system == "be brief" + words


def test_the_way_of_asking_is_no_part_of_a_calls_name(server):
    for capabilities in (KEEPS, {**KEEPS, "json_schema": False, "n": 1}):
        ask(server, capabilities, request())
    first, second = server.seen
    assert first.system != second.system
    row = Endpoint(campaign_id=1, role="planner", base_url="x", model="m")
    assert request().idempotency_key(row) == request().idempotency_key(row)
    assert "json" not in request().request_hash


@pytest.mark.parametrize(("n", "has_n"), [(None, True), (2, True), (1, False)])
def test_a_server_that_gives_one_answer_a_call_is_not_told_how_many(server, n, has_n):
    ask(server, {**KEEPS, "n": n}, request())
    assert server.seen[0].has_n is has_n


def refuses_schemas(server: FakeEndpoint, asked_for: list[str]) -> FakeEndpoint:
    real = server.handle

    async def handle(call: web.Request) -> web.Response:
        form = (await call.json()).get("response_format", {}).get("type", "")
        asked_for.append(form)
        if form:
            return web.json_response({"error": {"message": "unknown field response_format"}}, status=400)
        return await real(call)

    server.handle = handle
    return server


def test_a_server_that_was_never_tested_and_refuses_schemas_is_asked_in_words_from_then_on(server):
    asked_for: list[str] = []
    with served(refuses_schemas(server, asked_for)):
        row = ask(server, {}, request("a"), request("b"), is_tested=False)
        assert asked_for == ["json_schema", "", ""]
        assert row.capabilities == {"json_schema": False} and row.checked_at is None


def test_a_tested_server_is_believed_and_a_refusal_is_the_questions(server):
    asked_for: list[str] = []
    with served(refuses_schemas(server, asked_for)), pytest.raises(CallRefused):
        ask(server, KEEPS, request())
    assert asked_for == ["json_schema"]


def test_a_server_that_has_kept_a_schema_once_is_not_asked_in_words_when_it_refuses_a_question(server):
    def picky(asked):
        if "bad" in asked.text:
            raise web.HTTPBadRequest(text='{"error": {"message": "content"}}', content_type="application/json")
        return {"word": "x"}

    server.replies["Word"] = picky
    bad = CallRequest("planner", "bad", "v", "", fenced({"t": "bad"}), Word)
    with pytest.raises(CallRefused):
        ask(server, {}, request(), bad, is_tested=False)
    assert [asked.format for asked in server.seen] == ["json_schema", "json_schema"]
    assert Endpoint.objects.get().capabilities == {"json_schema": True}


def test_fewer_answers_than_asked_for_are_learned_and_never_over_a_test(server):
    server.max_n = 1
    assert ask(server, {}, request(num_choices=3), is_tested=False).capabilities["n"] == 1
    assert ask(server, KEEPS, request(num_choices=3)).capabilities == KEEPS


@pytest.mark.parametrize(("role", "is_refused"), [("validator", True), ("judge", True), ("planner", False)])
def test_a_role_that_looks_at_pictures_is_not_played_by_who_takes_none(role, is_refused):
    campaign = make_campaign()
    Endpoint.objects.create(
        campaign=campaign,
        role=role,
        base_url="http://127.0.0.1:9/v1",
        model="m",
        capabilities={**KEEPS, "images": False},
    )

    context = make_context(make_job(campaign=campaign))

    async def main():
        async with ledger_open(context) as ledger:
            return ledger.endpoint(role)

    if is_refused:
        with pytest.raises(NotConfigured, match=f"{role} takes no pictures"):
            async_to_sync(main)()
    else:
        assert async_to_sync(main)().role == role


def test_every_role_has_a_time_out_of_its_own_unless_one_is_given():
    campaign = make_campaign()
    assert set(TIMEOUTS_S) == set(ROLES) and TIMEOUTS_S["planner"] < TIMEOUTS_S["editor"]
    fields = {"base_url": "http://127.0.0.1:9/v1", "model": "m"}
    endpoints_set(actor=campaign.created_by, campaign=campaign, roles=["planner", "editor"], fields=fields)
    given = {**fields, "timeout_s": 7.0}
    endpoints_set(actor=campaign.created_by, campaign=campaign, roles=["judge"], fields=given)
    found = dict(campaign.endpoints.values_list("role", "timeout_s"))
    assert found == {"planner": 60.0, "editor": 300.0, "judge": 7.0}


def test_a_server_that_wants_the_limit_of_an_answer_by_its_other_name_gets_it_so():
    server = FakeEndpoint({"Word": lambda asked: {"word": "x"}})
    real, asked = server.handle, []

    async def handle(request):
        body = await request.json()
        asked.append({name for name in body if name.startswith("max_")})
        if "max_tokens" in body:
            said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return web.json_response({"error": {"message": said}}, status=400)
        return await real(request)

    server.handle = handle
    with served(server):
        row = ask(server, {}, request("1"), request("2"), is_tested=False)
    assert asked == [{"max_tokens"}, {"max_completion_tokens"}, {"max_completion_tokens"}]
    assert row.capabilities["limit_word"] == "max_completion_tokens"
