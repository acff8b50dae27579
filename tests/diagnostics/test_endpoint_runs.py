"""Answer runs by an endpoint: every call in the ledger, stored batch by batch, never asked twice."""

import asyncio
from dataclasses import dataclass

import pytest
from aiohttp import web

from core.errors import InvalidInput, LeaseLost, UpstreamRefused, UpstreamUnavailable, WrongState
from core.media import media_path
from core.models import Endpoint, Media, ModelCall
from core.specs import Sampling
from diagnostics.engines import endpoint as engine
from diagnostics.handlers import answer_run_job
from diagnostics.models import Answer, AnswerRun, Item, Verdict
from diagnostics.selectors.outcomes import item_outcomes
from diagnostics.services.answer_runs import answer_run_create
from tests.diagnostics.makers import make_items, png
from tests.factories import make_campaign, make_context, make_job
from tests.fake_endpoint import Asked, FakeEndpoint, served

pytestmark = pytest.mark.django_db


def seven(asked: Asked) -> str:
    return r"\boxed{7}"


@dataclass
class Crowded(FakeEndpoint):
    """Refuses with 429 whatever comes while ``room`` calls are under way."""

    room: int = 3
    busy: int = 0
    most: int = 0
    refused: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        if self.busy >= self.room:
            self.refused += 1
            return web.json_response({"error": {"message": "slow down"}}, status=429)
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(0.01)
        try:
            return await super().handle(request)
        finally:
            self.busy -= 1


@pytest.fixture
def server():
    with served(FakeEndpoint({"": seven})) as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr("django.conf.settings.CALL_PATIENCE_S", 0)


def make_asked(server, count: int = 3, **fields):
    """A campaign whose model under test is ``server``, with items that have a picture."""
    campaign = make_campaign(engine={"batch_size": 2, "max_new_tokens": 9})
    Endpoint.objects.create(campaign=campaign, role="model_under_test", base_url=server.url, model="m-1", **fields)
    for item in make_items(campaign, "count", count):
        Media.objects.create(sha256=item.images[0], mime="image/png", width=8, height=8, num_bytes=9)
        path = media_path(item.images[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png())
    return campaign


def create(campaign, **change) -> AnswerRun:
    choice = {"split": "probe", "items_a_skill": 99, "sampling": Sampling(), "label": "by endpoint", "round_number": 1}
    choice |= {"actor": campaign.created_by, "campaign": campaign, "checkpoint": None, "engine": "endpoint"}
    return answer_run_create(**{**choice, **change})


def execute(run: AnswerRun) -> AnswerRun:
    answer_run_job(make_context(make_job(campaign=run.campaign, spec={"run_id": run.pk})))
    run.refresh_from_db()
    return run


def test_an_endpoint_answers_in_the_words_that_every_engine_uses(server):
    run = execute(create(make_asked(server), sampling=Sampling(num_answers=2, temperature=0.5)))
    assert run.is_complete and run.num_items == 3
    assert Answer.objects.filter(run=run).count() == 6
    assert set(Verdict.objects.values_list("strict", flat=True)) == {"correct"}
    asked = server.seen[0]
    assert asked.text.endswith("Put the final answer in \\boxed{}.") and asked.system == "" and asked.n == 1
    assert asked.images[0].startswith("data:image/png;base64,")
    assert len({one.seed for one in server.seen}) == 6


def test_a_run_freezes_its_model_prompt_sampling_and_batch_and_tells_its_versions(server):
    run = execute(create(make_asked(server)))
    spec = run.spec
    assert (spec["engine"], spec["model"], spec["base_url"], spec["batch_size"]) == ("endpoint", "m-1", server.url, 2)
    assert len(spec["prompt_hash"]) == 64 and spec["sampling"]["max_new_tokens"] == 9
    assert set(run.result["versions"]) == {"openai"}
    assert (run.checkpoint.name, run.checkpoint.is_elsewhere) == ("m-1", True)


def test_every_call_stands_in_the_ledger_with_how_it_ended(server):
    run = execute(create(make_asked(server)))
    calls = ModelCall.objects.filter(campaign=run.campaign, role="model_under_test")
    assert {(call.status, call.finish, call.tokens_out) for call in calls} == {("answered", "stop", 5)}
    assert calls.count() == 3


def test_a_run_that_was_killed_goes_on_and_pays_for_nothing_twice(server, monkeypatch):
    run, real, stored = create(make_asked(server, 5)), engine.batch_store, []

    def lose_second(context, answers):
        if stored:
            raise LeaseLost("another worker has it")
        stored.append(1)
        real(context, answers)

    monkeypatch.setattr(engine, "batch_store", lose_second)
    with pytest.raises(LeaseLost):
        execute(run)
    assert Answer.objects.count() == 2
    monkeypatch.setattr(engine, "batch_store", real)
    assert execute(run).is_complete
    assert Answer.objects.count() == 5
    assert len(server.paid) == 5 and server.paid_twice == []


def test_the_same_run_again_asks_nothing(server):
    campaign = make_asked(server)
    execute(create(campaign))
    again = execute(create(campaign))
    assert Answer.objects.filter(run=again).count() == 3
    assert len(server.paid) == 3


def test_a_crowded_endpoint_is_asked_more_slowly_and_every_answer_comes(settings):
    settings.CALL_PATIENCE_S = 60
    with served(Crowded({"": seven})) as server:
        run = execute(create(make_asked(server, 20, concurrency=16), sampling=Sampling(num_answers=4, temperature=1.0)))
        assert run.is_complete and Answer.objects.count() == 80
        assert server.refused > 0 and server.most <= 3
        assert ModelCall.objects.filter(num_sent__gt=1).count() == 0


def test_an_endpoint_that_is_down_fails_the_attempt_and_keeps_what_came(server):
    run = create(make_asked(server, 4))
    server.down_after = 2
    with pytest.raises(UpstreamUnavailable):
        execute(run)
    assert Answer.objects.count() == 2 and not AnswerRun.objects.get().is_complete


def refuse(server, name):
    """The server answers 400 to the question with this text."""
    real = server.handle

    async def handle(request):
        if name in str(await request.json()):
            return web.json_response({"error": {"message": "policy"}}, status=400)
        return await real(request)

    server.handle = handle


def test_a_question_that_the_endpoint_refuses_is_unscored_and_never_wrong():
    server = FakeEndpoint({"": seven})
    refuse(server, "How many? 1")
    with served(server):
        run = execute(create(make_asked(server, 4)))
    shares = {Item.objects.get(pk=row.item_id).question: row.strict for row in item_outcomes(run)}
    assert shares["How many? 1"] is None and shares["How many? 0"] == 1.0
    verdict = Verdict.objects.get(strict="unscored")
    assert verdict.detail == "refused" and verdict.answer.finish == "refused"
    assert run.result["skills"][0]["n"] == 3 and run.result["skills"][0]["num_unscored"] == 1


def test_an_endpoint_that_refuses_everything_fails_the_run():
    server = FakeEndpoint({"": seven})
    refuse(server, "How many?")
    with served(server), pytest.raises(UpstreamRefused, match="all 2 questions"):
        execute(create(make_asked(server, 4)))
    assert not Answer.objects.exists()


def test_an_endpoint_that_changed_since_the_run_was_made_does_not_answer_it(server):
    run = create(make_asked(server))
    Endpoint.objects.update(model="m-2")
    with pytest.raises(WrongState, match="made for m-1"):
        execute(run)


def test_a_run_by_endpoint_needs_an_endpoint(server):
    campaign = make_asked(server)
    Endpoint.objects.all().delete()
    with pytest.raises(InvalidInput, match="model_under_test") as caught:
        create(campaign)
    assert caught.value.field == "engine"


def test_a_run_can_ask_one_benchmark_and_one_skill(server):
    campaign = make_asked(server)
    other = make_items(campaign, "colour", 2)
    assert create(campaign, skill="colour").num_items == 2
    assert create(campaign, benchmark=other[0].benchmark.name).num_items == 2
    assert create(campaign).num_items == 5
    with pytest.raises(InvalidInput):
        create(campaign, skill="colour", split="gate")
