"""Answer runs by hand: started on a page or by REST, watched, and set against each other."""

import pytest
from django.test import Client
from django.urls import reverse

from core.jobs.engine import execute_next
from core.models import Endpoint, Job
from diagnostics.models import AnswerRun
from diagnostics.services import answer_runs
from dpe_site.stage_table import HANDLERS
from tests.diagnostics.fake_gpu import FakeGpu
from tests.diagnostics.makers import make_checkpoint, make_items
from tests.factories import make_campaign, make_member
from tests.pages.asking import page


@pytest.fixture
def campaign(db):
    return make_campaign(engine={"device": "cpu", "batch_size": 8, "max_new_tokens": 99})


@pytest.fixture
def checkpoint(campaign):
    make_items(campaign, "count", 3)
    make_items(campaign, "colour", 2)
    make_items(campaign, "count", 2, split="sealed")
    return make_checkpoint(campaign, name="mini", path="/m")


@pytest.fixture
def gpu(monkeypatch):
    fake = FakeGpu(lambda item, ix: r"\boxed{7}")
    monkeypatch.setattr(answer_runs, "gpu_run", fake)
    return fake


def form(answering, **change):
    plain = {"label": "by hand", "engine": "transformers", "split": "probe", "items_a_skill": 9}
    return {**plain, "checkpoint": answering.pk, "num_answers": 1, "temperature": 0, **change}


def start(client: Client, campaign, words):
    return client.post(reverse("run-new", args=[campaign.slug]), words)


def test_a_run_that_was_started_by_hand_waits_answers_and_shows_its_counts(admin, campaign, checkpoint, gpu):
    answer = start(admin, campaign, form(checkpoint))
    run = AnswerRun.objects.get()
    assert answer.headers["Location"] == reverse("run-detail", args=[campaign.slug, run.pk])
    waiting = page(admin, "run-detail", campaign.slug, run.pk)
    assert 'hx-trigger="every 2s"' in waiting and "mini" in waiting
    execute_next("gpu", HANDLERS)
    html = page(admin, "run-detail", campaign.slug, run.pk)
    assert "hx-trigger" not in html and "Right by skill" in html
    row = html[html.index(">colour<") :].split("</tr>")[0]
    assert "100.0%" in row and "batch size" in html
    assert "by hand" in page(admin, "run-list", campaign.slug)


def test_a_run_asks_only_the_benchmark_and_the_skill_that_are_chosen(admin, campaign, checkpoint):
    start(admin, campaign, form(checkpoint, skill="colour"))
    assert AnswerRun.objects.get().num_items == 2


def test_sealed_items_are_never_asked_by_hand(admin, campaign, checkpoint):
    assert start(admin, campaign, form(checkpoint, split="sealed")).status_code == 400
    body = {"label": "x", "checkpoint": checkpoint.pk, "split": "sealed"}
    address = reverse("api-answer-run-list", args=[campaign.slug])
    answer = admin.post(address, body, content_type="application/json")
    assert (answer.status_code, answer.json()["field"]) == (400, "split")
    assert not AnswerRun.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_answers": 4}, "at 0 they are all the same"),
        ({"engine": "endpoint"}, "no endpoint plays model_under_test"),
        ({"checkpoint": ""}, "say which one answers"),
        ({"engine": "abacus"}, "abacus"),
        ({"label": ""}, "required"),
    ],
)
def test_a_run_that_cannot_be_is_refused_beside_its_field_and_nothing_is_written(
    admin, campaign, checkpoint, change, words
):
    answer = start(admin, campaign, form(checkpoint, **change))
    assert answer.status_code == 400 and words in answer.content.decode()
    assert not AnswerRun.objects.exists() and not Job.objects.exists()


def test_a_run_by_endpoint_waits_in_the_queue_of_calls(admin, campaign, checkpoint):
    Endpoint.objects.create(campaign=campaign, role="model_under_test", base_url="http://127.0.0.1:9/v1", model="m-1")
    start(admin, campaign, form(checkpoint, engine="endpoint", checkpoint=""))
    run = AnswerRun.objects.get()
    assert Job.objects.get().queue == "agents"
    assert (run.checkpoint.name, run.spec["model"]) == ("m-1", "m-1")


def test_only_who_may_research_finds_the_button_and_the_form(campaign, checkpoint):
    client = Client()
    client.force_login(make_member(campaign, "viewer"))
    assert "Start a run" not in page(client, "run-list", campaign.slug)
    assert client.get(reverse("run-new", args=[campaign.slug])).status_code == 403


def test_rest_starts_a_run_with_202_and_tells_what_differs_between_two(admin, campaign, checkpoint, gpu):
    address = reverse("api-answer-run-list", args=[campaign.slug])
    runs = []
    for sampling in ({}, {"temperature": 0.5, "num_answers": 2}):
        body = {"label": "x", "checkpoint": checkpoint.pk, "sampling": sampling}
        answer = admin.post(address, body, content_type="application/json")
        assert answer.status_code == 202
        runs.append(answer.json()["run"])
    assert Job.objects.filter(kind="answer_run").count() == 2
    found = admin.get(reverse("api-answer-run-differences", args=[campaign.slug, runs[1]]), {"with": runs[0]})
    names = {one["name"]: (one["before"], one["after"]) for one in found.json()["data"]}
    assert names == {"num answers": ("1", "2"), "temperature": ("0.0", "0.5")}


def test_rest_names_a_setting_that_does_not_exist(admin, campaign, checkpoint):
    body = {"label": "x", "checkpoint": checkpoint.pk, "sampling": {"temprature": 1}}
    answer = admin.post(reverse("api-answer-run-list", args=[campaign.slug]), body, content_type="application/json")
    assert (answer.status_code, answer.json()["field"]) == (400, "sampling.temprature")


def test_two_unlike_runs_are_set_side_by_side_with_what_differs(admin, campaign, checkpoint):
    start(admin, campaign, form(checkpoint))
    campaign.settings["engine"]["batch_size"] = 16
    campaign.save()
    start(admin, campaign, form(checkpoint, label="again"))
    first, second = AnswerRun.objects.order_by("pk")
    address = reverse("run-detail", args=[campaign.slug, second.pk])
    html = admin.get(address, {"with": first.pk}).content.decode()
    assert "These runs are not alike" in html
    assert "batch size: <b>8</b> before, <b>16</b> after" in " ".join(html.split())
    assert "can be compared as they are" not in html


def test_a_run_of_another_campaign_is_not_shown(admin, campaign):
    other = make_campaign()
    foreign = AnswerRun.objects.create(campaign=other, checkpoint=make_checkpoint(other), split="probe", label="x")
    assert admin.get(reverse("run-detail", args=[campaign.slug, foreign.pk])).status_code == 404


def test_runs_come_page_by_page(admin, campaign, checkpoint, django_assert_max_num_queries):
    for number in range(27):
        AnswerRun.objects.create(campaign=campaign, checkpoint=checkpoint, split="probe", label=f"run {number}.")
    with django_assert_max_num_queries(6):
        html = page(admin, "run-list", campaign.slug)
    assert "run 26." in html and "run 1." not in html
    before = html.split("?before=")[1].split('"')[0]
    older = admin.get(reverse("run-list", args=[campaign.slug]), {"before": before}).content.decode()
    assert "run 1." in older and "run 26." not in older
