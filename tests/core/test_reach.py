"""Private addresses: who may set them, at every door, and what a connection refuses when a name has moved."""

import asyncio
import json
import socket
from io import StringIO

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.urls import reverse
from pydantic import BaseModel

from core.campaigns import campaign_create, campaign_settings_set, endpoint_set, endpoints_set, settings_hash
from core.endpoint_models import models_check
from core.endpoint_test import Probe, endpoint_test, probe_endpoint
from core.errors import InvalidInput, UpstreamRefused
from core.image_edits import EditRequest, send_edit
from core.models import AuditEvent, Endpoint
from core.provider import CallRequest, ImageRef, client_open, send
from tests.factories import make_campaign, make_member, make_user
from tests.fake_endpoint import FakeEndpoint, served

LOCAL = "http://127.0.0.1:9/v1"
PRIVATE = [LOCAL, "http://[::1]:9/v1", "http://[::ffff:127.0.0.1]/v1", "http://localhost/v1", "http://10.0.0.7/v1",
           "http://0.0.0.0/v1", "http://[fe80::1]/v1", "http://224.0.0.1/v1", "http://100.64.0.1/v1"]  # fmt: skip
METADATA = ["http://169.254.169.254/v1", "http://[::ffff:a9fe:a9fe]/v1", "http://metadata.google.internal/v1",
            "http://100.100.100.200/", "http://moved.example/v1"]  # fmt: skip


class Word(BaseModel):
    word: str


ASK = CallRequest("planner", "s1", "v1", "be brief", "hello", Word)


@pytest.fixture
def names(monkeypatch):
    """Names and what they resolve to; all other names are asked for as ever."""
    table, real = {"moved.example": ["169.254.169.254"]}, socket.getaddrinfo

    def resolve(host, port, *args, **kwargs):
        if host not in table:
            return real(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0)) for address in table[host]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return table


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr("django.conf.settings.CALL_PATIENCE_S", 0)


@pytest.fixture
def strict(settings):
    settings.PRIVATE_ENDPOINTS = "admins"


def fields(url: str) -> dict:
    return {"base_url": url, "model": "m"}


def ask(endpoint: Endpoint):
    async def main():
        async with client_open(endpoint) as client:
            return await send(client, endpoint, ASK)

    return async_to_sync(main)()


def make_endpoint(url: str, **more) -> Endpoint:
    return Endpoint(campaign_id=1, role="planner", base_url=url, model="m", **more)


@pytest.mark.django_db
@pytest.mark.parametrize("url", PRIVATE)
def test_a_private_address_is_for_staff_only_when_the_site_says_admins(strict, url):
    campaign = make_campaign()
    with pytest.raises(InvalidInput, match="private address: only staff of this site") as caught:
        endpoint_set(actor=campaign.created_by, campaign=campaign, role="planner", fields=fields(url))
    assert caught.value.field == "base_url" and not Endpoint.objects.exists()
    staff = make_member(campaign, "admin", make_user(is_staff=True))
    assert endpoint_set(actor=staff, campaign=campaign, role="planner", fields=fields(url)).is_private


@pytest.mark.django_db
@pytest.mark.parametrize(("who", "may"), [("everybody", True), ("nobody", False)])
def test_the_site_may_let_everybody_or_nobody_use_private_addresses(settings, who, may):
    settings.PRIVATE_ENDPOINTS = who
    campaign = make_campaign(actor=make_user(is_superuser=not may))
    if may:
        assert endpoint_set(actor=campaign.created_by, campaign=campaign, role="planner", fields=fields(LOCAL))
    else:
        with pytest.raises(InvalidInput, match="this site uses none"):
            endpoint_set(actor=campaign.created_by, campaign=campaign, role="planner", fields=fields(LOCAL))


@pytest.mark.django_db
@pytest.mark.parametrize("url", METADATA)
def test_a_clouds_metadata_is_for_nobody(settings, names, url):
    settings.PRIVATE_ENDPOINTS = "everybody"
    campaign = make_campaign(actor=make_user(is_superuser=True))
    with pytest.raises(InvalidInput, match="secrets"):
        endpoints_set(actor=campaign.created_by, campaign=campaign, roles=["planner"], fields=fields(url))


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["http://2130706433/v1", "http://0177.0.0.1/v1", "http://127.1/v1", "http://0x7f.1/v1"])
def test_an_ipv4_address_must_be_written_plainly(url):
    campaign = make_campaign()
    with pytest.raises(InvalidInput, match="four plain numbers"):
        endpoint_set(actor=campaign.created_by, campaign=campaign, role="planner", fields=fields(url))


@pytest.mark.django_db
def test_a_name_counts_as_what_it_resolves_to(strict, names):
    names |= {"inside.example": ["8.8.8.8", "10.0.0.7"], "outside.example": ["8.8.8.8"]}
    campaign = make_campaign()
    with pytest.raises(InvalidInput, match=r"inside\.example is a private address"):
        endpoint_set(
            actor=campaign.created_by, campaign=campaign, role="planner", fields=fields("http://inside.example/v1")
        )
    made = endpoint_set(
        actor=campaign.created_by, campaign=campaign, role="planner", fields=fields("http://outside.example/v1")
    )
    assert made.is_private is False


@pytest.mark.django_db
def test_a_name_that_is_not_known_yet_may_be_private_later_only_for_who_may(strict, monkeypatch):
    monkeypatch.setattr("core.reach.addresses_of", lambda host: [])
    campaign = make_campaign()
    staff = make_member(campaign, "admin", make_user(is_staff=True))
    for actor, may in ((campaign.created_by, False), (staff, True)):
        made = endpoint_set(actor=actor, campaign=campaign, role="planner", fields=fields("http://later.example/v1"))
        assert made.is_private is may


@pytest.mark.django_db
def test_no_door_lets_a_private_address_in_for_who_may_not(strict, client, tmp_path):
    campaign = make_campaign()
    client.force_login(campaign.created_by)
    page = reverse("endpoint-list", args=[campaign.slug])
    form = {"roles": ["planner"], "concurrency": "1", "price_in": "0", "price_out": "0", "price_image": "0"}
    answer = client.post(page, {**form, **fields(LOCAL), "timeout_s": "9"})
    assert answer.status_code == 400 and b"is a private address" in answer.content
    door = reverse("api-endpoint-list", args=[campaign.slug])
    body = {"endpoints": [{"role": "planner", **fields(LOCAL)}]}
    answer = client.put(door, json.dumps(body), content_type="application/json")
    assert answer.status_code == 400 and "is a private address" in answer.json()["detail"]
    whole = {"slug": "other", "name": "Other", "endpoints": [fields(LOCAL)]}
    for name in ("api-campaign-from-file", "api-campaign-check"):
        answer = client.post(reverse(name), json.dumps(whole), content_type="application/json")
        assert "is a private address" in answer.content.decode()
    (tmp_path / "c.yaml").write_text(json.dumps(whole))
    with pytest.raises(CommandError, match=r"endpoints\.0\.base_url.*is a private address"):
        call_command("campaign_create", str(tmp_path / "c.yaml"), actor=campaign.created_by.username)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command(
            "campaign_create", str(tmp_path / "c.yaml"), actor=campaign.created_by.username, check=True, stdout=out
        )
    assert "fail  endpoint http://127.0.0.1:9/v1: 127.0.0.1 is a private address" in out.getvalue()
    assert not Endpoint.objects.exists() and not AuditEvent.objects.filter(action="endpoint.set").exists()


@pytest.mark.django_db
def test_the_server_that_generates_in_training_is_held_to_the_same_rule(strict):
    url = "http://10.0.0.7:8000"
    actor = make_user()
    with pytest.raises(InvalidInput, match=r"10\.0\.0\.7 is a private address") as caught:
        campaign_create(actor=actor, slug="c", name="C", seed=1, settings={"grpo": {"vllm_url": url}})
    assert caught.value.field == "settings.grpo.vllm_url"
    campaign = make_campaign(actor=actor)
    changed = {"grpo": {"vllm_url": url}}
    with pytest.raises(InvalidInput, match="private"):
        campaign_settings_set(actor=actor, campaign=campaign, settings=changed, seen=settings_hash(campaign))
    staff = make_member(campaign, "admin", make_user(is_staff=True))
    campaign_settings_set(actor=staff, campaign=campaign, settings=changed, seen=settings_hash(campaign))
    changed["diagnosis"] = {"tau": 0.6}
    campaign_settings_set(actor=actor, campaign=campaign, settings=changed, seen=settings_hash(campaign))


def local_name(server: FakeEndpoint) -> str:
    return server.url.replace("127.0.0.1", "rebound.example")


@pytest.mark.parametrize("is_literal", [True, False])
def test_a_call_never_connects_to_a_private_address_that_its_endpoint_was_not_set_for(names, is_literal):
    names["rebound.example"] = ["127.0.0.1"]
    with served(FakeEndpoint({"Word": lambda asked: {"word": "x"}})) as server:
        url = server.url if is_literal else local_name(server)
        with pytest.raises(UpstreamRefused, match="leads to a private address") as caught:
            ask(make_endpoint(url, is_private=False))
        assert server.seen == [] and not caught.value.retryable
        assert ask(make_endpoint(url, is_private=True)).choices == ('{"word": "x"}',)


def test_a_site_without_private_endpoints_connects_to_none_however_they_were_set(settings):
    settings.PRIVATE_ENDPOINTS = "nobody"
    with served(FakeEndpoint({})) as server, pytest.raises(UpstreamRefused, match="private address"):
        ask(make_endpoint(server.url, is_private=True))
    assert server.seen == []


def test_no_endpoint_connects_to_a_clouds_metadata(names):
    with pytest.raises(UpstreamRefused, match="secrets"):
        ask(make_endpoint("http://moved.example/v1", is_private=True))


def test_edits_tests_and_lists_of_models_go_through_the_same_guard(names):
    from core.domain.files import hash_bytes, write_atomic
    from core.media import media_path

    names["rebound.example"] = ["127.0.0.1"]
    write_atomic(media_path(hash_bytes(b"p")), b"p")
    edit = EditRequest("s", "v", ImageRef(hash_bytes(b"p"), "image/png"), "brighter", 1)
    with served(FakeEndpoint({})) as server:
        endpoint = make_endpoint(local_name(server), is_private=False)

        async def main():
            async with client_open(endpoint) as client:
                await send_edit(client, endpoint, edit)

        with pytest.raises(UpstreamRefused, match="private address"):
            async_to_sync(main)()
        probe = Probe(endpoint.base_url, "m", "")
        assert "private address" in asyncio.run(probe_endpoint(probe)).error
        assert "private address" in models_check(probe)[1]
    assert server.seen == [] and server.forms == []


@pytest.mark.django_db
def test_the_test_button_knows_what_its_endpoint_was_set_for(settings):
    with served(FakeEndpoint({})) as server:
        row = Endpoint.objects.create(
            campaign=make_campaign(), role="planner", base_url=server.url, model="m", is_private=False
        )
        found = endpoint_test(actor=row.campaign.created_by, endpoint=row).capabilities
    assert "private address" in found["error"] and server.seen == []


def test_nobody_is_led_elsewhere_by_a_redirect():
    from aiohttp import web

    with served(FakeEndpoint({"Word": lambda asked: {"word": "x"}})) as goal, served(FakeEndpoint({})) as server:

        async def lead(request):
            return web.Response(status=307, headers={"Location": f"{goal.url}/chat/completions"})

        server.handle = lead
        with served(server):
            with pytest.raises(UpstreamRefused, match="leads elsewhere"):
                ask(make_endpoint(server.url))
            assert "leads elsewhere" in asyncio.run(probe_endpoint(Probe(server.url, "m", "", is_private=True))).error
    assert goal.seen == []


def test_a_library_that_cannot_be_guarded_is_an_error_and_no_open_door(monkeypatch):
    import openai

    monkeypatch.setattr(openai, "DefaultAioHttpClient", openai.DefaultAsyncHttpxClient)
    with pytest.raises(RuntimeError, match="cannot be guarded"):
        client_open(make_endpoint("http://x/v1"))
