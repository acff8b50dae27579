"""Edited pictures and tools that run here: in the ledger, by reference, once."""

import base64
import io

import pytest
from asgiref.sync import async_to_sync
from PIL import Image

from core.errors import UpstreamUnavailable
from core.image_edits import EditRequest
from core.ledger import ledger_open
from core.media import media_path, media_store, picture_check
from core.models import Endpoint, Media, ModelCall
from core.provider import CallRefused, ImageRef
from core.tool_calls import ToolUse, tool_uses_store, tools_used
from tests.factories import make_campaign, make_context, make_job
from tests.fake_endpoint import FakeEndpoint, served

pytestmark = pytest.mark.django_db


def png(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9), colour).save(buffer, "PNG")
    return buffer.getvalue()


def b64(data: bytes) -> dict[str, str]:
    return {"b64_json": base64.b64encode(data).decode()}


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr("django.conf.settings.CALL_PATIENCE_S", 0)


@pytest.fixture
def server():
    endpoint = FakeEndpoint({}, edit=lambda form: {"data": [b64(png(c)) for c in ("red", "lime")]})
    with served(endpoint):
        yield endpoint


def make_editing(server):
    campaign = make_campaign()
    Endpoint.objects.create(campaign=campaign, role="editor", base_url=server.url, model="paint", price_image="0.02")
    media_store(campaign, [picture_check(png("blue"))])
    return make_context(make_job(campaign=campaign))


def request_of(instruction: str = "make it red") -> EditRequest:
    return EditRequest("m/s1/t0", "editor-v1", ImageRef(picture_check(png("blue")).sha256, "image/png"), instruction, 3)


def edit(context, request=None):
    async def main():
        async with ledger_open(context) as ledger:
            return await ledger.edit(request or request_of())

    return async_to_sync(main)()


def test_an_edit_sends_the_picture_and_keeps_what_came_back_by_reference_with_its_price(server):
    context = make_editing(server)
    names = edit(context)
    (form,) = server.forms
    assert (form["image"], form["prompt"], form["n"], form["model"]) == (png("blue"), "make it red", "3", "paint")
    assert form["response_format"] == "b64_json"
    assert [media_path(name).read_bytes() for name in names] == [png("red"), png("lime")]
    call = ModelCall.objects.get()
    assert (call.tool, call.role, call.status, call.choices) == ("image_edit", "editor", "answered", list(names))
    assert call.inputs == {"text": "make it red", "images": [request_of().image.sha256]}
    assert float(call.cost) == 0.04 and server.paid == [call.idempotency_key]
    assert Media.objects.filter(pk__in=names).count() == 2


def test_an_edit_that_was_answered_is_never_paid_again(server):
    context = make_editing(server)
    assert edit(context) == edit(context)
    edit(context, request_of("make it green"))
    assert len(server.paid) == 2 and server.paid_twice == []


def test_pictures_that_are_none_are_left_out_and_more_than_asked_for_are_not_kept(server):
    good = [b64(png(c)) for c in ("red", "red", "lime", "navy")]
    server.edit = lambda form: {"data": [{"b64_json": "!"}, {"url": "http://x/y.png"}, *good]}
    assert [media_path(name).read_bytes() for name in edit(make_editing(server))] == [png("red")]


@pytest.mark.parametrize("reply", ["no JSON", {"data": "many"}, {}])
def test_a_reply_that_is_no_list_of_pictures_is_a_named_error(server, reply):
    server.edit = lambda form: reply
    with pytest.raises(UpstreamUnavailable, match="editor"):
        edit(make_editing(server))
    assert ModelCall.objects.get().status == "unknown" and Media.objects.count() == 1


def test_a_refused_edit_is_about_this_edit(server):
    server.edit = None
    with pytest.raises(CallRefused):
        edit(make_editing(server))
    assert ModelCall.objects.get().status == "failed"


def test_a_tool_that_runs_here_runs_once_and_costs_nothing(server):
    context, ran = make_editing(server), []
    use = ToolUse("image_edit", "editor", "m/s1/t0", "image_edit-v1", {"images": ["a"], "steps": []})

    def work():
        ran.append(1)
        return [picture_check(png("red"))]

    async def main():
        async with ledger_open(context) as ledger:
            return [await ledger.edit_here(use, work) for _ in range(2)]

    first, second = async_to_sync(main)()
    assert first == second and ran == [1]
    call = ModelCall.objects.get()
    assert (call.endpoint_id, call.tool, call.cost, call.choices) == (None, "image_edit", 0, list(first))


def test_uses_are_told_apart_by_what_they_are_for_and_stored_once():
    context = make_context(make_job())
    campaign_id = context.job.campaign_id
    uses = [ToolUse("image_search", "searcher", f"m/s{i}/t0", "v1", {"query": "clock"}) for i in range(3)]
    tool_uses_store(context, [(use, [f"picture {i}"]) for i, use in enumerate(uses[:2])])
    tool_uses_store(context, [(uses[0], ["another"])])
    assert tools_used(campaign_id, uses) == {
        uses[0].key(campaign_id): ["picture 0"],
        uses[1].key(campaign_id): ["picture 1"],
    }
