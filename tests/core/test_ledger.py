"""Paid for once: a call's row comes before the call, a stored answer is never asked for again."""

import asyncio
import time
from functools import partial

import pytest
from aiohttp import web
from asgiref.sync import async_to_sync
from django.db import connection
from pydantic import BaseModel

from core import ledger
from core.domain.files import write_atomic
from core.errors import JobCancelled, LeaseLost, NotConfigured, UpstreamRefused, UpstreamUnavailable
from core.image_edits import EditRequest
from core.jobs.services import job_cancel
from core.ledger import ledger_open
from core.media import media_path
from core.models import Endpoint, Job, ModelCall
from core.provider import CallAnswer, CallRequest, ImageRef
from core.room import gather_bounded
from tests.factories import make_campaign, make_context, make_job
from tests.fake_endpoint import FakeEndpoint, read_request, served

pytestmark = pytest.mark.django_db


class Word(BaseModel):
    word: str


@pytest.fixture
def server():
    with served(FakeEndpoint({"Word": lambda asked: {"word": asked.text}})) as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    """A server that is down is down at once."""
    monkeypatch.setattr("django.conf.settings.CALL_PATIENCE_S", 0)


def make_working(server, **fields):
    campaign = make_campaign()
    Endpoint.objects.create(campaign=campaign, role="planner", base_url=server.url, model="m", **fields)
    return make_context(make_job(campaign=campaign))


def request(number: int, role: str = "planner") -> CallRequest:
    return CallRequest(role, f"s{number}", "v1", "be brief", f"word {number}", Word)


def ask(context, *requests: CallRequest, limit: int = 8) -> dict[str, CallAnswer]:
    """All requests through one ledger; their answers by subject."""
    answers = {}

    async def main():
        async with ledger_open(context) as ledger:

            async def one(request):
                answers[request.subject] = await ledger.ask(request)

            await gather_bounded([partial(one, request) for request in requests], limit)

    async_to_sync(main)()
    return answers


def test_every_call_is_stored_with_its_answer_and_what_it_used(server):
    answers = ask(make_working(server, price_in=2, price_out=4), *map(request, range(20)))
    assert answers["s7"].parsed(Word) == [Word(word="word 7")]
    call = ModelCall.objects.get(subject="s7")
    assert (call.status, call.num_sent, call.tokens_in, call.tokens_out) == ("answered", 1, 10, 5)
    assert float(call.cost) == (10 * 2 + 5 * 4) / 1e6
    assert call.inputs == {"text": "word 7", "images": []} and call.tool == ""
    assert call.choices == ['{"word": "word 7"}'] and call.answered_at >= call.created_at
    assert ModelCall.objects.count() == len(server.paid) == 20


def test_an_answered_call_is_never_asked_again_not_even_by_another_job(server):
    context = make_working(server)
    first = ask(context, *map(request, range(5)))
    again = make_context(make_job(campaign=context.job.campaign))
    assert ask(again, *map(request, range(6)))["s3"] == first["s3"]
    assert len(server.paid) == 6 and server.paid_twice == []


def test_the_row_is_committed_before_the_call_is_sent(server):
    sent = []
    server.replies["Word"] = lambda asked: sent.append(asked.key) or {"word": "x"}
    before = []

    def watch(execute, sql, params, many, context):
        if sql.startswith("INSERT") and "core_modelcall" in sql:
            before.append(list(sent))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        ask(make_working(server), request(1))
    assert before == [[]] and len(sent) == 1


def test_a_call_in_flight_at_a_kill_is_repeated_with_the_same_key_and_counted_twice(server):
    context = make_working(server)
    ask(context, request(1), request(2))
    key = ModelCall.objects.get(subject="s1").idempotency_key
    ModelCall.objects.filter(subject="s1").update(status="sent", choices=[])
    server.paid.clear()
    ask(context, request(1), request(2))
    call = ModelCall.objects.get(subject="s1")
    assert server.paid == [key]
    assert (call.status, call.num_sent) == ("answered", 2)


def test_calls_that_an_earlier_attempt_left_in_flight_are_shown_as_unknown_until_they_are_repeated(server):
    context = make_working(server)
    ask(context, request(1))
    ModelCall.objects.update(status="sent")
    ask(context, request(2))
    assert ModelCall.objects.get(subject="s1").status == "unknown"


def test_a_server_that_is_down_leaves_an_unknown_call_and_an_error_that_waiting_may_mend(server):
    server.down_after = 3
    context = make_working(server)
    with pytest.raises(UpstreamUnavailable) as caught:
        ask(context, *map(request, range(10)), limit=1)
    assert caught.value.retryable
    counts = {status: ModelCall.objects.filter(status=status).count() for status in ("answered", "unknown", "sent")}
    assert counts == {"answered": 3, "unknown": 1, "sent": 0}
    server.down_after = None
    assert len(ask(context, *map(request, range(10)))) == 10
    assert server.paid_twice == []


def test_a_refused_call_fails_for_good(server):
    server.down_after, server.down_status = 0, 401
    with pytest.raises(UpstreamRefused) as caught:
        ask(make_working(server), request(1))
    assert not caught.value.retryable
    assert ModelCall.objects.get().status == "failed"


def test_a_role_without_an_endpoint_is_named(server):
    with pytest.raises(NotConfigured, match="validator"):
        ask(make_working(server), request(1, role="validator"))


def test_a_key_comes_from_the_environment_and_its_absence_is_named(server, monkeypatch):
    with pytest.raises(NotConfigured, match="NO_SUCH_KEY"):
        ask(make_working(server, key_env="NO_SUCH_KEY"), request(1))


def test_roles_on_one_server_share_connections_but_never_keys(server, monkeypatch):
    monkeypatch.setenv("FIRST_KEY", "a")
    opened = []
    monkeypatch.setattr("core.ledger.client_open", lambda endpoint: opened.append(endpoint.key_env) or real(endpoint))
    from core.provider import client_open as real

    context = make_working(server, key_env="FIRST_KEY")
    for role, key in [("validator", "FIRST_KEY"), ("writer", "")]:
        campaign = context.job.campaign
        Endpoint.objects.create(campaign=campaign, role=role, base_url=server.url, model="m", key_env=key)
    ask(context, *(request(i, role) for i in range(4) for role in ("planner", "validator", "writer")))
    assert sorted(opened) == ["", "FIRST_KEY"]


def test_an_attempt_that_lost_its_lease_stores_nothing_more(server):
    context = make_working(server)
    Job.objects.update(attempt=5)
    with pytest.raises(LeaseLost):
        ask(context, request(1))
    assert ModelCall.objects.count() == 0 and server.paid == []


def test_a_cancelled_job_stops_while_it_waits_for_an_answer(server, monkeypatch):
    monkeypatch.setattr("core.ledger.BEAT_S", 0.05)
    server.delay_s = 30
    context = make_working(server)
    job_cancel(actor=context.job.actor, job_id=context.job.pk)
    with pytest.raises(JobCancelled):
        ask(context, request(1))


def test_writes_that_wait_together_are_committed_together(server):
    begun = []

    def watch(execute, sql, params, many, context):
        if sql.startswith(("SAVEPOINT", "BEGIN")):
            begun.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        ask(make_working(server), *map(request, range(100)), limit=50)
    assert ModelCall.objects.filter(status="answered").count() == 100
    assert len(begun) < 100


def test_no_more_than_the_endpoint_allows_are_under_way_at_once(server):
    now, most = [], []
    real = server.handle

    async def counted(request):
        now.append(1)
        most.append(len(now))
        try:
            return await real(request)
        finally:
            now.pop()

    server.handle = counted
    server.delay_s = 0.1
    with served(server):
        ask(make_working(server, concurrency=3), *map(request, range(30)), limit=30)
    assert max(most) == 3


def test_a_few_calls_are_written_down_before_their_turn_so_that_the_next_starts_when_one_ends(server, monkeypatch):
    opened, ahead, open_them = [], [], ledger.calls_open

    def counted(context, asked, terms):
        opened.extend(asked)
        ahead.append(len(opened) - len(server.paid))
        return open_them(context, asked, terms)

    monkeypatch.setattr(ledger, "calls_open", counted)
    server.delay_s = 0.1
    ask(make_working(server, concurrency=8), *map(request, range(40)), limit=40)
    assert len(opened) == 40 and 8 < max(ahead) <= 10


def refuse_first(server, count: int, status: int = 429, **headers) -> None:
    """The server turns its first ``count`` requests away."""
    real, left = server.handle, [status] * count

    async def handle(request):
        if left:
            server.seen.append(read_request(await request.json(), request.headers["Idempotency-Key"]))
            return web.json_response({"error": {"message": "slow down"}}, status=left.pop(), headers=headers)
        return await real(request)

    server.handle = handle


@pytest.mark.parametrize("status", [429, 500, 503, 408])
def test_every_try_of_a_call_bears_the_same_key_and_counts_as_sent_once(settings, status):
    settings.CALL_PATIENCE_S = 60
    server = FakeEndpoint({"Word": lambda asked: {"word": "x"}})
    refuse_first(server, 2, status, **{"Retry-After": "0"})
    with served(server):
        ask(make_working(server), request(1))
    assert len(server.seen) == 3 and len({asked.key for asked in server.seen}) == 1
    call = ModelCall.objects.get()
    assert (call.status, call.num_sent, call.num_refused) == ("answered", 1, 2 if status == 429 else 0)


def test_an_edit_is_tried_again_too(settings):
    settings.CALL_PATIENCE_S = 60
    server = FakeEndpoint({}, edit=lambda form: {"data": []})
    real, left = server.handle_edit, [429]

    async def handle(asked):
        if left:
            await asked.read()
            return web.json_response({}, status=left.pop(), headers={"retry-after-ms": "1"})
        return await real(asked)

    server.handle_edit = handle
    with served(server):
        context = make_working(server)
        Endpoint.objects.update(role="editor")
        write_atomic(media_path("a" * 64), b"picture")
        edit = EditRequest("s1", "v1", ImageRef("a" * 64, "image/png"), "make it blue", 1)

        async def main():
            async with ledger_open(context) as ledger:
                return await ledger.edit(edit)

        assert async_to_sync(main)() == ()
    assert ModelCall.objects.get().num_refused == 1


def test_roles_on_one_server_wait_together_when_it_asks_one_of_them_to(settings):
    settings.CALL_PATIENCE_S = 60
    server = FakeEndpoint({"Word": lambda asked: {"word": "x"}})
    refuse_first(server, 1, 503, **{"retry-after-ms": "400"})
    with served(server):
        context = make_working(server)
        Endpoint.objects.create(campaign=context.job.campaign, role="validator", base_url=server.url, model="m")
        answered_at = []

        async def main():
            async with ledger_open(context) as ledger:
                asked = asyncio.create_task(ledger.ask(request(1)))
                while not server.seen or not ledger.servers.server(ledger.endpoint("planner")).pace.num_failed:
                    await asyncio.sleep(0.001)
                started = time.monotonic()
                await ledger.ask(request(2, "validator"))
                answered_at.append(time.monotonic() - started)
                await asked

        async_to_sync(main)()
    assert answered_at[0] > 0.25


def test_how_a_server_stands_is_shown_on_all_its_endpoints(server):
    context = make_working(server, concurrency=5)
    ask(context, request(1))
    pace = Endpoint.objects.get().pace
    assert (pace["limit"], pace["in_flight"], pace["circuit"], pace["refused"]) == (5, 0, "closed", 0)
    assert pace["rate"] is None and pace["at"]


def test_concurrency_that_is_raised_while_a_job_runs_is_taken_up_by_it():
    server, under_way = FakeEndpoint({"Word": lambda asked: {"word": "x"}}), [0, 0]
    real = server.handle

    async def counted(asked):
        under_way[0] += 1
        under_way[1] = max(under_way)
        while under_way[1] < 4 and server.down_after is None:
            await asyncio.sleep(0.005)
        try:
            return await real(asked)
        finally:
            under_way[0] -= 1

    server.handle = counted
    with served(server):
        context = make_working(server, concurrency=1)

        async def main():
            async with ledger_open(context) as ledger:
                calls = [asyncio.create_task(ledger.ask(request(number))) for number in range(6)]
                while not under_way[0]:
                    await asyncio.sleep(0.001)
                await Endpoint.objects.aupdate(concurrency=4)
                await ledger.limits_refresh()
                await asyncio.gather(*calls)

        async_to_sync(main)()
    assert under_way[1] == 4


def test_a_ledger_looks_at_its_endpoints_again_with_its_beat(server, monkeypatch):
    monkeypatch.setattr("core.ledger.BEAT_S", 0.01)
    monkeypatch.setattr("core.servers.REFRESH_S", 0.01)
    context = make_working(server, concurrency=1)

    async def main():
        async with ledger_open(context) as ledger:
            await ledger.ask(request(1))
            await Endpoint.objects.aupdate(concurrency=7)
            lane = ledger.servers.server(ledger.endpoint("planner")).lanes["planner"]
            while lane.ceiling != 7:
                await asyncio.sleep(0.005)

    async_to_sync(main)()


def test_what_waits_for_its_turn_is_not_called_sent_but_for_a_quarter():
    server = FakeEndpoint({"Word": lambda asked: {"word": "x"}}, delay_s=30)
    with served(server):
        context = make_working(server, concurrency=2)

        async def main():
            async with ledger_open(context) as ledger:
                calls = [asyncio.create_task(ledger.ask(request(number))) for number in range(9)]
                while len(server.seen) < 2:
                    await asyncio.sleep(0.005)
                for call in calls:
                    call.cancel()
                await asyncio.gather(*calls, return_exceptions=True)

        async_to_sync(main)()
    assert 2 <= ModelCall.objects.filter(status="sent").count() <= 3


def test_an_answer_is_stored_before_what_it_showed_of_its_endpoint(server):
    written = []

    def watch(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and ("core_modelcall" in sql or "capabilities" in sql):
            written.append("call" if "core_modelcall" in sql else "endpoint")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        ask(make_working(server), request(1))
    assert written.index("call") < written.index("endpoint")
