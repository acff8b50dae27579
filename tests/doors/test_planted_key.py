"""A key is planted, a server sends it back in all it says, and nobody finds it anywhere."""

import json
import logging

import pytest
from aiohttp import web
from django.apps import apps
from django.core import serializers
from django.db import transaction
from django.test import Client
from django.urls import reverse

from core.campaigns import is_key_set
from core.jobs.engine import execute_next
from core.models import Job, JobEvent, ModelCall
from dpe_site.stage_table import HANDLERS
from tests.datagen.fake_world import make_server, make_world
from tests.datagen.fake_world import solve as solve_plainly
from tests.doors.every import DOORS
from tests.doors.world import World
from tests.doors.world import make_world as make_site
from tests.fake_endpoint import FakeEndpoint, served

KEY = "sk-planted-0123456789abcdef"
WAYS = ("answers", "refuses", "forbids", "breaks", "raves", "leads")

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")]


@pytest.fixture
def planted(monkeypatch, caplog):
    monkeypatch.setattr("django.conf.settings.CALL_PATIENCE_S", 0)
    monkeypatch.setenv("PLANTED_KEY", KEY)
    caplog.set_level(logging.INFO)
    return caplog


def sends_it_back(server: FakeEndpoint, way: str) -> FakeEndpoint:
    """The server with the key in whatever it says."""
    real, status = server.handle, {"refuses": 400, "forbids": 401, "breaks": 500}.get(way, 200)

    async def handle(request: web.Request) -> web.Response:
        said = request.headers.get("Authorization", "")
        assert said == f"Bearer {KEY}", "the server must get the key"
        headers = {"X-Echo": said}
        if way == "raves":
            return web.json_response({"choices": {"echo": said}, "usage": said}, headers=headers)
        if way == "leads":
            return web.Response(status=302, headers={"Location": f"http://127.0.0.1:9/{said}", **headers})
        if status != 200:
            padding = "x" * 190  # so that a cut in the middle of the key would leave half of it
            return web.json_response({"error": {"message": f"{padding}{said}", "code": said}}, status=status)
        return await real(request)

    server.handle = handle
    return server


def leaky(reply):
    """The reply with the key in its free text."""

    def say(asked):
        told = reply(asked)
        return {**told, **{name: f"{told[name]} {KEY}" for name in ("plan", "question", "reason") if name in told}}

    return say


def leaky_server() -> FakeEndpoint:
    server = make_server()
    server.replies["Plan"] = leaky(
        lambda asked: {"question_type": "number", "plan": "p", "queries": [KEY, "b"], "edit_goal": KEY}
    )
    server.replies["WrittenQuestion"] = leaky(
        lambda asked: {"question": "How many?", "options": [], "answer": "7", "answer_type": "number"}
    )
    server.replies["Validation"] = lambda asked: {"valid": True, "reason": KEY}
    server.replies["Solve"] = lambda asked: f"Bearer {KEY}" if asked.n > 1 else solve_plainly(asked)
    server.replies["EndpointProbe"] = lambda asked: f'{{"colour": "red {KEY}"}}'
    return server


def all_rows() -> str:
    return "\n".join(serializers.serialize("json", model.objects.all()) for model in apps.get_models())


def every_door(world: World) -> str:
    """What a superuser is told at every door that can be looked through."""
    client, said = Client(raise_request_exception=False), []
    person = world.people["admin"]
    person.is_superuser = True
    person.save()
    client.force_login(person)
    for door in (door for door in DOORS if door.method == "get"):
        with transaction.atomic():  # some doors make what is behind them
            answer = client.get(reverse(door.name, kwargs=door.args(world)))
            said.append(b"".join(answer).decode(errors="replace"))
            transaction.set_rollback(True)
    return "\n".join(said)


@pytest.mark.parametrize("way", WAYS)
def test_a_key_that_a_server_sends_back_is_in_no_row_page_answer_log_or_error(planted, way):
    site = make_site()
    with served(sends_it_back(leaky_server(), way)) as server:
        mixture = make_world(server, total=3)
        campaign = mixture.campaign
        campaign.endpoints.update(key_env="PLANTED_KEY")
        site.campaign().endpoints.update(base_url=server.url, key_env="PLANTED_KEY")
        said = [play(campaign, server.url), play(site.campaign(), server.url)]
        for kind in ("generate", "quality"):
            spec = {"mixture_id": mixture.pk, "take": 1}
            Job.objects.create(campaign=campaign, actor=campaign.created_by, kind=kind, spec=spec, max_attempts=2)
            execute_next("work", HANDLERS)
    said += [pages_of(campaign), all_rows(), planted.text]
    said += [every_door(site)] if way in ("answers", "refuses") else []
    assert ModelCall.objects.filter(campaign=campaign).exists() and JobEvent.objects.exists()
    assert is_key_set(campaign.endpoints.first())
    for text in said:
        assert "0123456789" not in text and "sk-planted" not in text
    if way == "answers":
        assert "(key)" in all_rows(), "the server's answers must have been stored, without the key"


def play(campaign, url: str) -> str:
    """Everything by which a person makes the site speak with an endpoint; what it says."""
    client = Client(raise_request_exception=False)
    client.force_login(campaign.created_by)
    client.post(reverse("endpoint-test", args=[campaign.slug, campaign.endpoints.first().pk]))
    said = [client.post(reverse("api-endpoint-test", args=[campaign.slug, "planner"])).content]
    file = {"slug": "new-one", "name": "N", "endpoints": [{"base_url": url, "model": "m", "key_env": "PLANTED_KEY"}]}
    said.append(client.post(reverse("api-campaign-check"), json.dumps(file), content_type="application/json").content)
    return b"\n".join(said).decode()


def pages_of(campaign) -> str:
    """Pages and answers about the campaign, its jobs and its calls."""
    client = Client(raise_request_exception=False)
    client.force_login(campaign.created_by)
    names = ("endpoint-list", "call-list", "api-endpoint-list", "api-call-list", "campaign-file")
    said = [client.get(reverse(name, args=[campaign.slug])) for name in names]
    mixture = campaign.mixtures.get()
    said += [client.get(reverse(name, args=[campaign.slug, mixture.pk])) for name in ("sample-list", "mixture-detail")]
    for job in campaign.jobs.all():
        said += [
            client.get(reverse(name, args=[job.pk])) for name in ("job-detail", "api-job-events", "api-job-detail")
        ]
    said += [client.get(reverse("call-detail", args=[campaign.slug, call.pk])) for call in campaign.calls.all()]
    return "\n".join(b"".join(answer).decode() for answer in said)
