"""The test button: what an endpoint can do, from one call; a fault is a sentence that says what to do."""

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.endpoint_test import MAX_REPLY, Probe, endpoint_test, probe_endpoint
from core.errors import NotAllowed, WrongState
from core.models import AuditEvent, Endpoint
from tests.factories import make_campaign, make_member

GOOD = '{"colour": "red"}'


class Server:
    """A chat-completions server by a function from the body and headers to (status, body)."""

    def __init__(self, reply):
        self.asked, server = [], self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.asked.append((self.path, body, self.headers.get("Authorization")))
                status, said = reply(body)
                raw = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"


@pytest.fixture
def serve():
    servers = []

    def start(reply) -> Server:
        servers.append(Server(reply))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def completion(texts, **more):
    choices = [{"index": i, "message": {"role": "assistant", "content": text}} for i, text in enumerate(texts)]
    return {"choices": choices, "usage": {"prompt_tokens": 9, "completion_tokens": 3}, **more}


def able(body):
    return 200, completion([GOOD] * body.get("n", 1))


def probe(url, *, key_env="", patience_s=10.0):
    return asyncio.run(probe_endpoint(Probe(url, "teacher", key_env, is_private=True), patience_s))


def test_an_endpoint_that_can_all_is_known_by_one_call(serve):
    server = serve(able)
    found = probe(server.url)
    assert (found.answers, found.images, found.sees, found.n, found.json_schema) == (True, True, True, 2, True)
    assert (found.usage, found.num_calls, found.error, len(server.asked)) == (True, 1, "", 1)


def test_an_endpoint_that_ignores_n_the_schema_and_the_picture_is_found_out(serve):
    found = probe(serve(lambda body: (200, completion(["I cannot see any picture."], usage=None))).url)
    assert (found.answers, found.images, found.sees) == (True, True, False)
    assert (found.n, found.json_schema, found.usage) == (1, False, False)


@pytest.mark.parametrize("missing", ["images", "n", "json_schema"])
def test_what_is_refused_is_asked_for_piece_by_piece(serve, missing):
    def reply(body):
        has = {"images": "image_url" in json.dumps(body), "n": "n" in body, "json_schema": "response_format" in body}
        return (400, {"error": {"message": f"no {missing} here"}}) if has[missing] else able(body)

    found = probe(serve(reply).url)
    can = {"images": found.images, "n": found.n == 2, "json_schema": found.json_schema}
    assert can == {name: name != missing for name in can}
    assert (found.answers, found.num_calls, found.error) == (True, 6 if missing == "json_schema" else 5, "")


@pytest.mark.parametrize("takes_object", [True, False])
def test_where_no_schema_is_kept_json_without_one_is_tried(serve, takes_object):
    def reply(body):
        form = body.get("response_format", {}).get("type")
        if form == "json_schema" or (form and not takes_object):
            return 400, {"error": {"message": "no such response_format"}}
        return able(body)

    found = probe(serve(reply).url)
    assert (found.answers, found.json_schema, found.json_object) == (True, False, takes_object)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"error": {"message": "bad key"}}, "name the variable that holds its key. It says: bad key"),
        (404, {"detail": "Not Found"}, "is 'teacher' a model that it serves?"),
        (429, {}, "wait, or raise the limit"),
        (503, {"message": "loading"}, "fault of its own (503). It says: loading"),
        (302, {}, "leads elsewhere"),
        (200, {"hello": "world"}, "no chat completion"),
        (200, b"<html>", "no chat completion"),
        (200, b"x" * (MAX_REPLY + 10), "no chat completion"),
        (400, {"error": "no"}, "refuses a plain question (400). It says: no"),
    ],
)
def test_a_fault_is_a_sentence_that_says_what_to_change(serve, status, body, words):
    found = probe(serve(lambda asked: (status, body)).url)
    assert not found.answers
    assert words in found.error


def test_a_base_url_without_v1_is_suspected(serve):
    found = probe(serve(lambda body: (404, {})).url.removesuffix("/v1"))
    assert "the base URL ends in no /v1" in found.error


def test_nobody_there_no_such_host_and_nobody_who_answers_are_told_apart(serve):
    assert "Nobody listens at 127.0.0.1:9" in probe("http://127.0.0.1:9/v1").error
    assert "No host has the name" in probe("http://no-such-host.invalid/v1").error
    server = serve(lambda body: time.sleep(1.5) or able(body))
    assert "did not answer within" in probe(server.url, patience_s=0.3).error


def test_the_key_is_sent_and_never_shown_even_when_the_server_repeats_it(serve, monkeypatch):
    monkeypatch.setenv("TEACHER_KEY", "very-secret")
    server = serve(lambda body: (401, {"error": {"message": "very-secret is not valid"}}))
    found = probe(server.url, key_env="TEACHER_KEY")
    assert server.asked[0][2] == "Bearer very-secret"
    assert "very-secret" not in found.error and "put a valid key into TEACHER_KEY" in found.error


def test_a_variable_that_is_not_set_is_named_and_nothing_is_sent(serve, monkeypatch):
    monkeypatch.delenv("TEACHER_KEY", raising=False)
    server = serve(able)
    assert "Set TEACHER_KEY" in probe(server.url, key_env="TEACHER_KEY").error
    assert server.asked == []


@pytest.fixture
def endpoint(db) -> Endpoint:
    return Endpoint.objects.create(campaign=make_campaign(), role="planner", base_url="http://x/v1", model="m")


def test_a_test_is_kept_with_its_time_and_noted(endpoint, serve):
    Endpoint.objects.update(base_url=serve(able).url)
    endpoint.refresh_from_db()
    tested = endpoint_test(actor=make_member(endpoint.campaign, "researcher"), endpoint=endpoint)
    assert tested.capabilities["answers"] is True and tested.checked_at is not None
    assert AuditEvent.objects.get().action == "endpoint.tested"


def test_an_endpoint_that_was_changed_meanwhile_keeps_no_result(endpoint, serve):
    def reply(body):
        return able(body)

    endpoint.base_url = serve(reply).url  # not what the row says any more
    with pytest.raises(WrongState, match="changed while it was tested"):
        endpoint_test(actor=endpoint.campaign.created_by, endpoint=endpoint)
    endpoint.refresh_from_db()
    assert endpoint.capabilities == {}


@pytest.mark.parametrize("role", ["viewer", "curator"])
def test_who_may_not_research_spends_no_call(endpoint, role):
    with pytest.raises(NotAllowed):
        endpoint_test(actor=make_member(endpoint.campaign, role), endpoint=endpoint)
