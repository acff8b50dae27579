"""The manifest follows from the seed and from what is answered; never from when, or from how much is asked at once."""

import asyncio
from functools import cache
from pathlib import Path
from random import Random

import pytest
from aiohttp import web

from core.models import Endpoint
from datagen.models import Dataset, Sample
from datagen.services import difficulty
from tests.datagen.fake_world import FakeModel, make_server, make_world, run_chain
from tests.fake_endpoint import Asked, FakeEndpoint, served

pytestmark = pytest.mark.django_db
AT_ONCE = 0.01  # seconds in which calls gather before one of them, drawn by the seed, is answered


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture(autouse=True)
def model(monkeypatch, settings, pictures) -> None:
    settings.MEDIA_ROOT = pictures
    monkeypatch.setattr("django.conf.settings.CALL_PATIENCE_S", 0)
    monkeypatch.setattr(difficulty, "gpu_run", FakeModel())


def search(asked: Asked):
    return {"queries": [f"thing {asked.seed % 5}", "a"]}


def score(asked: Asked):
    told = [{"candidate": i, "score": 10 - (asked.seed + i) % 4, "usable": True, "reason": ""} for i in range(1, 7)]
    return {"scores": told[: len(asked.images)]}


def shuffled(server: FakeEndpoint, seed: int) -> list[str]:
    """Let the server answer what waits in an order that the seed draws; the keys in the order of their answers."""
    real, dice, waiting, order = server.handle, Random(seed), [], []

    def answer_one() -> None:
        waiting.pop(dice.randrange(len(waiting))).set_result(None)

    async def handle(request: web.Request) -> web.Response:
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        waiting.append(turn)
        loop.call_later(AT_ONCE * dice.random(), answer_one)
        await turn
        order.append(request.headers["Idempotency-Key"])
        return await real(request)

    server.handle = handle
    return order


def chain(seed: int | None, slots: int, calls: int) -> tuple[Dataset, list[str]]:
    """A whole chain with ``slots`` worked on and ``calls`` made at once; the order in which calls were answered."""
    server = make_server()
    server.replies |= {"Search": search, "Selection": score}
    order = shuffled(server, seed) if seed is not None else []
    with served(server):
        generation = {"max_refills": 2, "min_accept_share": 0.2, "concurrency": slots, "max_attempts": 2}
        mixture = make_world(server, generation=generation)
        for role in ("searcher", "selector"):
            Endpoint.objects.create(campaign=mixture.campaign, role=role, base_url=server.url, model=f"{role}-model")
        mixture.campaign.endpoints.update(concurrency=calls)
        return run_chain(mixture), order


@cache
def calm() -> tuple[str, str, str]:
    return told(chain(None, 1, 1)[0])


def told(dataset: Dataset) -> tuple[str, str, str]:
    """Everything that must be the same: the manifest, the file's bytes, and what became of every try."""
    samples = Sample.objects.filter(slot__mixture=dataset.mixture).order_by("slot__index", "try_ix")
    names = ("slot__index", "try_ix", "status", "reason", "media_id", "question", "answer", "text_key")
    return dataset.manifest_hash, dataset.file_hash, str(list(samples.values_list(*names)))


@pytest.mark.parametrize(("seed", "slots", "calls"), [(1, 2, 2), (2, 5, 1), (3, 32, 3), (4, 32, 32)])
def test_answers_in_any_order_and_any_number_at_once_make_the_same_manifest(seed, slots, calls):
    dataset, order = chain(seed, slots, calls)
    assert told(dataset) == calm()
    assert len(order) > 60 and dataset.num_samples > 4


def test_the_orders_of_these_tests_differ():
    orders = [chain(seed, 32, 32)[1] for seed in (5, 6)]
    assert set(orders[0]) == set(orders[1]) or len(orders[0]) == len(orders[1])
    assert orders[0] != orders[1]
