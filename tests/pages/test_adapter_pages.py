"""The page of adapters: what they are, how they are merged, and how they are served beside their base."""

import shlex
from pathlib import Path

import pytest
from django.conf import settings

from core.models import Job
from diagnostics.models import Checkpoint
from tests.diagnostics.makers import make_adapter
from tests.pages.asking import page
from tests.training.rows import make_checkpoint, make_folder


@pytest.fixture
def base(campaign, tmp_path) -> Checkpoint:
    return make_checkpoint(campaign, make_folder(tmp_path / "whole"), name="whole")


@pytest.fixture
def adapter(campaign, base, tmp_path) -> Checkpoint:
    return make_checkpoint(campaign, make_adapter(tmp_path / "tuned"), name="tuned", parent=base)


@pytest.fixture
def orphan(campaign, base, tmp_path) -> Checkpoint:
    """Adapters whose base is not known here."""
    return make_checkpoint(campaign, make_adapter(tmp_path / "orphan", r=12), name="orphan")


def address(campaign, row: Checkpoint) -> str:
    return f"/campaigns/{campaign.slug}/checkpoints/{row.pk}/"


def test_the_page_says_what_they_are_and_serves_them_beside_their_base(admin, campaign, base, adapter):
    html = page(admin, "checkpoint-detail", campaign.slug, adapter.pk)
    for shown in ("LoRA of rank 4; no model without whole", "Qwen/base", "Merge into a full checkpoint"):
        assert shown in html, shown
    found = admin.get(f"/api/v1{address(campaign, adapter).rstrip('/')}").json()
    words = shlex.split(found["serve"])
    assert words[:3] == ["vllm", "serve", base.path]
    assert words[-4:] == ["--max-lora-rank", "8", "--lora-modules", f"{campaign.slug}/tuned={adapter.path}"]
    assert found["adapter"] == {"rank": 4, "base_named": "Qwen/base", "merge": None}
    whole = page(admin, "checkpoint-detail", campaign.slug, base.pk)
    assert "Merge into" not in whole and "--enable-lora" not in whole


def test_a_merge_is_started_by_a_researcher_and_leads_to_its_job(as_role, campaign, adapter):
    answer = as_role("researcher").post(f"{address(campaign, adapter)}merge")
    job = Job.objects.get(kind="checkpoint_merge")
    assert answer.url == f"/jobs/{job.pk}/"
    html = page(as_role("researcher"), "checkpoint-detail", campaign.slug, adapter.pk)
    assert f"job #{job.pk}" in html and "Merge into" not in html, "one at a time"
    assert "Merge into" not in page(as_role("viewer"), "checkpoint-detail", campaign.slug, adapter.pk)
    assert as_role("viewer").post(f"{address(campaign, adapter)}merge").status_code == 403


def test_adapters_of_an_unknown_base_ask_for_it(admin, campaign, base, orphan):
    html = page(admin, "checkpoint-detail", campaign.slug, orphan.pk)
    assert "no one checkpoint here has that path or name" in html
    choices = html.split('id="merge-base"')[1].split("</select>")[0]
    assert f'<option value="{base.pk}">whole</option>' in choices and "orphan" not in choices
    assert "vllm serve" not in html
    assert admin.post(f"{address(campaign, orphan)}merge").status_code == 400
    assert admin.post(f"{address(campaign, orphan)}merge", {"base": base.pk}).status_code == 302
    assert Job.objects.get(kind="checkpoint_merge").spec["base_id"] == base.pk


def test_a_script_does_the_same(admin, campaign, base, orphan):
    door = f"/api/v1{address(campaign, orphan)}merge"
    answer = admin.post(door, {"base": 10**6}, content_type="application/json")
    assert (answer.status_code, answer.json()["field"]) == (400, "base")
    answer = admin.post(door, {"base": base.pk}, content_type="application/json")
    assert (answer.status_code, answer.json()["kind"]) == (202, "checkpoint_merge")


def test_a_merged_checkpoint_says_so(admin, campaign, adapter):
    folder = make_folder(Path(settings.RUNS_ROOT) / "merged" / "final", b"merged")
    whole = make_checkpoint(campaign, folder, name="tuned, merged", parent=adapter)
    html = page(admin, "checkpoint-detail", campaign.slug, whole.pk)
    assert "merged from <b>tuned</b> and their base" in html
    row = page(admin, "checkpoint-list", campaign.slug).split(f"/checkpoints/{whole.pk}/")[1].split("</tr>")[0]
    assert "merged" in row.split("made by")[1] and "brought in" not in row
