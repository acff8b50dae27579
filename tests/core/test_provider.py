"""What is sent, what comes back, and what a bad server does to us: a named error, never a bug."""

import base64
from dataclasses import replace
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync
from pydantic import BaseModel

from core.completion import parse_choice
from core.domain.budget import DEFAULT_ANSWER_TOKENS
from core.domain.files import hash_bytes, write_atomic
from core.errors import NotConfigured, UpstreamRefused, UpstreamUnavailable
from core.media import media_path
from core.models import Endpoint
from core.provider import CallAnswer, CallRefused, CallRequest, ImageRef, client_open, send
from tests.fake_endpoint import FakeEndpoint, served


class Word(BaseModel):
    word: str


ASK = CallRequest("planner", "s1", "v1", "be brief", "hello", Word)


def make_endpoint(url: str, **fields) -> Endpoint:
    return Endpoint(campaign_id=1, role="planner", base_url=url, model="m", **fields)


def call(server: FakeEndpoint, request: CallRequest = ASK) -> CallAnswer:
    endpoint = make_endpoint(server.url)

    async def main():
        async with client_open(endpoint) as client:
            return await send(client, endpoint, request)

    return async_to_sync(main)()


def answer_with(monkeypatch, body, **fields) -> CallAnswer:
    """The call's answer from a server whose reply is ``body``, whatever that is."""
    from aiohttp import web

    server = FakeEndpoint({})

    async def handle(request):
        return web.Response(text=body, **{"content_type": "application/json", **fields})

    server.handle = handle
    with served(server):
        return call(server)


def test_pictures_go_first_as_data_urls_and_choices_come_back_in_order():
    sha = hash_bytes(b"picture")
    write_atomic(media_path(sha), b"picture")
    with served(FakeEndpoint({"Word": lambda asked: {"word": str(asked.n)}})) as server:
        request = CallRequest(
            "planner", "s1", "v1", "sys", "txt", Word, images=(ImageRef(sha, "image/png"),), num_choices=3, seed=1 << 40
        )
        answer = call(server, request)
    seen = server.seen[0]
    assert seen.images == ("data:image/png;base64," + base64.b64encode(b"picture").decode(),)
    assert (seen.schema, seen.system, seen.text, seen.n, seen.seed) == ("Word", "sys", "txt", 3, 0)
    assert seen.key == request.idempotency_key(make_endpoint(server.url))
    assert answer.parsed(Word) == [Word(word="3")] * 3
    assert (answer.tokens_in, answer.tokens_out) == (10, 5)


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"subject": "s2"}, False),
        ({"role": "validator"}, False),
        ({"text": "bye"}, False),
        ({"system": "x"}, False),
        ({"seed": 1}, False),
        ({"num_choices": 2}, False),
        ({"temperature": 0.5}, False),
        ({"images": (ImageRef("a" * 64, "image/png"),)}, False),
        ({"prompt_version": "v2"}, True),
        ({"scope": "mixture:1", "skill": "count"}, True),
    ],
)
def test_the_key_is_the_same_only_for_the_same_question_for_the_same_purpose(change, is_same):
    endpoint = make_endpoint("http://x/v1")
    other = CallRequest(**{**vars_of(ASK), **change})
    assert (other.idempotency_key(endpoint) == ASK.idempotency_key(endpoint)) is is_same
    moved = make_endpoint("http://elsewhere/v1")
    assert ASK.idempotency_key(moved) == ASK.idempotency_key(endpoint)


def vars_of(request: CallRequest) -> dict:
    return {name: getattr(request, name) for name in CallRequest.__dataclass_fields__}


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, UpstreamUnavailable), (500, UpstreamUnavailable), (503, UpstreamUnavailable), (408, UpstreamUnavailable),
     (401, UpstreamRefused), (404, UpstreamRefused), (400, CallRefused), (422, CallRefused)],
)  # fmt: skip
def test_each_status_is_an_error_by_name(monkeypatch, status, error):
    with pytest.raises(error) as caught:
        answer_with(monkeypatch, '{"error": {"message": "no"}}', status=status)
    assert caught.value.retryable is (error is UpstreamUnavailable)
    assert isinstance(caught.value, CallRefused) is (error is CallRefused)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"choices": []}', '{"choices": [', "null", '"word"'])
def test_a_reply_that_is_no_chat_completion_is_an_error_that_waiting_may_mend(monkeypatch, body):
    with pytest.raises(UpstreamUnavailable):
        answer_with(monkeypatch, body)


def test_a_page_in_place_of_json_is_an_error_that_waiting_may_mend(monkeypatch):
    with pytest.raises(UpstreamUnavailable):
        answer_with(monkeypatch, "<html>bad gateway</html>", content_type="text/html")


@pytest.mark.parametrize("message", ["null", "{}", '{"content": null}', '{"content": [{"type": "text"}]}'])
def test_a_choice_without_text_is_empty_and_fits_no_schema(monkeypatch, message):
    answer = answer_with(monkeypatch, f'{{"choices": [{{"message": {message}}}]}}')
    assert answer.choices == ("",) and answer.parsed(Word) == [None]


def test_text_that_postgresql_cannot_store_is_made_clean(monkeypatch):
    answer = answer_with(monkeypatch, r'{"choices": [{"message": {"content": "a\u0000b\ud800c"}}]}')
    assert answer.choices == ("a\ufffdb?c",)


def test_a_server_that_is_not_there_is_an_error_that_waiting_may_mend(monkeypatch):
    with pytest.raises(UpstreamUnavailable):
        call(FakeEndpoint({}, url="http://127.0.0.1:9/v1"))


def test_a_key_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(NotConfigured, match="MY_KEY"):
        client_open(make_endpoint("http://x/v1", key_env="MY_KEY"))


@pytest.mark.parametrize("text", ['{"word": "a"}', '```json\n{"word": "a"}\n```', ' ```\n{"word":"a"}``` '])
def test_a_choice_is_read_with_or_without_its_fence(text):
    assert parse_choice(text, Word) == Word(word="a")


@pytest.mark.parametrize("text", ["", "word: a", '{"word": 3}', '{"wor": "a"}', "[]", '{"word": "a"'])
def test_a_choice_that_does_not_fit_is_none(text):
    assert parse_choice(text, Word) is None


def test_every_call_says_how_long_its_answer_may_be():
    assert replace(ASK, ceiling=900).body("m")["max_tokens"] == 900
    assert replace(ASK, ceiling=900, max_tokens=16).body("m")["max_tokens"] == 16
    assert "max_tokens" not in ASK.body("m")


def test_the_usual_ceiling_leaves_a_call_its_name_and_another_one_makes_it_another_question():
    usual, other = replace(ASK, ceiling=DEFAULT_ANSWER_TOKENS), replace(ASK, ceiling=900)
    assert usual.request_hash == ASK.request_hash != other.request_hash


def test_a_price_is_rounded_up_to_the_millionth_that_the_ledger_keeps():
    assert CallAnswer(("x",), tokens_in=1).cost(make_endpoint("http://x/v1", price_in=Decimal("0.15"))) == Decimal(
        "0.000001"
    )
