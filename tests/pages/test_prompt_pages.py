"""Pages of a run's prompts: a list by change of reward, and one prompt with every completion over the steps."""

from pathlib import Path

import pytest
from django.conf import settings

from core.domain.rollouts import rollouts_path, rollouts_write
from tests.core.test_rollouts import rollout
from tests.pages.asking import page
from tests.pages.rows import make_round
from training.models import Prompt, TrainingRun


@pytest.fixture
def run(campaign) -> TrainingRun:
    make_round(campaign, "train")
    return campaign.training_runs.get()


def place(run):
    return run.campaign.slug, run.pk


def test_the_list_begins_with_what_rose_most_and_leads_to_each_prompt(admin, run):
    html = page(admin, "prompt-list", *place(run))
    rows = [row for row in html.split("<tr>") if "/prompts/" in row]
    assert len(rows) == min(25, run.prompts.count())
    first = run.prompts.order_by("-change", "-pk").first()
    assert f"/prompts/{first.pk}/" in rows[0] and "+0.32" in rows[0]
    assert "How many bars are taller" in rows[0]


def test_a_filter_that_nothing_fits_says_so(admin, run):
    address = f"/campaigns/{run.campaign.slug}/training/{run.pk}/prompts/?skill=nothing"
    assert "No prompt fits this filter." in admin.get(address).content.decode()
    Prompt.objects.all().delete()
    assert "as soon as the run has asked it" in page(admin, "prompt-list", *place(run))


def test_one_prompt_shows_picture_gold_and_completions_with_reward_and_extraction(admin, run):
    prompt = run.prompts.first()
    TrainingRun.objects.filter(pk=run.pk).update(run_name="abc")
    turn = prompt.turns.latest("step")
    rows = [
        rollout(0, text="Three <b> \\boxed{3}", extracted="3", parts={"accuracy": 0.9, "format": 0.1}),
        rollout(1, text="", reward=None, parts={}, extracted="", verdict="unscored", is_truncated=True),
    ]
    path = rollouts_path(Path(settings.RUNS_ROOT) / "abc", turn.step)
    rollouts_write(path, [[rollout()]] * turn.place + [rows])
    html = page(admin, "prompt-detail", *place(run), prompt.pk)
    for shown in (prompt.sample.media_id, "Gold", "Three &lt;b&gt; \\boxed{3}", "<code>3</code>", "accuracy 0.90"):
        assert shown in html, shown
    assert "(nothing)" in html and "cut off" in html and "unscored" in html
    assert "are not on this machine" in html, "the other steps' files are not there"


def test_the_list_says_once_that_the_texts_were_removed(admin, run):
    TrainingRun.objects.filter(pk=run.pk).update(run_name="abc")
    words = "are not on this machine: removed to free space"
    assert words in page(admin, "prompt-list", *place(run))
    rollouts_write(rollouts_path(Path(settings.RUNS_ROOT) / "abc", 1), [[rollout()]])
    assert words not in page(admin, "prompt-list", *place(run))


def test_a_prompt_of_another_run_is_not_found_and_strangers_see_none(as_role, run):
    prompt = run.prompts.first()
    page(as_role("viewer"), "prompt-detail", *place(run), prompt.pk)
    page(as_role("viewer"), "prompt-detail", run.campaign.slug, run.pk, prompt.pk + 10_000, status=404)
    page(as_role("stranger"), "prompt-detail", *place(run), prompt.pk, status=403)
    page(as_role("stranger"), "prompt-list", *place(run), status=403)


def test_the_api_gives_the_numbers_of_every_step_and_the_completions(admin, run):
    base = f"/api/v1/campaigns/{run.campaign.slug}/training-runs/{run.pk}/prompts"
    found = admin.get(f"{base}?limit=2&order=fall").json()
    assert len(found["data"]) == 2 and found["next_cursor"] == str(found["data"][1]["id"])
    behind = admin.get(f"{base}?limit=2&order=fall&cursor={found['next_cursor']}").json()
    assert {row["id"] for row in behind["data"]}.isdisjoint(row["id"] for row in found["data"])
    one = f"{base}/{found['data'][0]['id']}"
    detail = admin.get(one).json()
    assert [turn["step"] for turn in detail["turns"]] == [1, 3, 5] and detail["gold"] == "3"
    said = admin.get(f"{one}/rollouts?limit=2").json()
    assert [turn["step"] for turn in said["data"]] == [5, 3] and said["next_cursor"]
    rest = admin.get(f"{one}/rollouts?cursor={said['next_cursor']}").json()
    assert [turn["step"] for turn in rest["data"]] == [1] and rest["next_cursor"] is None
    assert said["data"][0]["rollouts"] is None
    assert admin.get(f"{base}?order=name").json()["field"] == "order"
