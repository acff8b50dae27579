"""Pages of the registry: what made each checkpoint, its lineage, and the dry run before files go."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from diagnostics.models import Checkpoint
from tests.pages.asking import page
from tests.pages.rows import end_round, make_round
from tests.training.rows import make_folder
from training.models import Round, TrainingRun


@pytest.fixture
def child(campaign) -> Checkpoint:
    """The promoted child of an ended round, its files where runs write."""
    round = end_round(make_round(campaign, "decide"), "promoted")
    child = Round.objects.get(pk=round.pk).child
    folder = make_folder(Path(settings.RUNS_ROOT) / "abc" / "final")
    Checkpoint.objects.filter(pk=child.pk).update(path=str(folder))
    TrainingRun.objects.filter(campaign=campaign).update(child=child, result={"steps": 40})
    return child


def test_the_registry_says_what_made_each_checkpoint(admin, campaign, child):
    html = page(admin, "checkpoint-list", campaign.slug)
    row = html.split(f"/checkpoints/{child.pk}/")[1].split("</tr>")[0]
    for shown in (f"run #{campaign.training_runs.get().pk}", "promoted", "here", child.content_hash[:12]):
        assert shown in row, shown
    assert "brought in" in html


def test_one_checkpoint_shows_lineage_and_how_to_serve_it(admin, campaign, child):
    html = page(admin, "checkpoint-detail", campaign.slug, child.pk)
    for shown in ("mini-6M", "40", "round 1", "vllm serve ", "--limit-mm-per-prompt", "Download as tar"):
        assert shown in html, shown
    assert "vllm serve" not in page(admin, "checkpoint-detail", campaign.slug, child.parent_id), (
        "its files are not here"
    )


def test_a_pin_is_set_and_taken_out(as_role, campaign, child):
    client = as_role("researcher")
    for words, there in (("1", True), ("0", False)):
        client.post(f"/campaigns/{campaign.slug}/checkpoints/{child.pk}/keep", {"pin": words})
        assert ("pinned" in page(client, "checkpoint-detail", campaign.slug, child.pk)) is there
    assert "Pin" not in page(as_role("viewer"), "checkpoint-detail", campaign.slug, child.pk)


def test_removing_asks_first_and_only_an_admin(as_role, admin, campaign, child):
    Round.objects.update(decision="rejected")
    older = Checkpoint.objects.get(pk=child.pk)
    for number in range(3):
        folder = make_folder(Path(settings.RUNS_ROOT) / f"newer-{number}" / "final", str(number).encode())
        Checkpoint.objects.create(campaign=campaign, name=f"n{number}", path=str(folder), content_hash=f"{number:064x}")
    address = f"/campaigns/{campaign.slug}/checkpoints/retention/"
    html = admin.get(address).content.decode()
    assert child.name in html.split("Would go")[1].split("Stay")[0]
    assert "Remove these files" not in as_role("researcher").get(address).content.decode()
    seen = re.search(r'name="seen" value="(\w+)"', html).group(1)
    assert admin.post(address, {"keep": 3, "seen": "other"}).status_code == 409
    assert admin.post(address, {"keep": 3, "seen": seen}).status_code == 302
    older.refresh_from_db()
    assert older.path == ""


def left_by_a_failed_run(campaign, child) -> Path:
    """A run of the campaign, over with its round, left a state to resume from and its completions."""
    run = campaign.training_runs.get(child=child)
    campaign.training_runs.filter(pk=run.pk).update(run_name="left")
    folder = Path(settings.RUNS_ROOT) / "left"
    for place in ("checkpoint-8", "rollouts"):
        (folder / place).mkdir(parents=True)
        (folder / place / "file").write_bytes(b"x" * 2048)
    return folder


def test_what_a_run_left_is_listed_and_completions_go_by_a_tick(admin, campaign, child):
    folder = left_by_a_failed_run(campaign, child)
    Checkpoint.objects.filter(pk=child.pk).update(path="")
    address = f"/campaigns/{campaign.slug}/checkpoints/retention/"
    going = admin.get(address).content.decode().split("Would go")[1].split("Stay")[0]
    assert "resumable state" in going and "completions" not in re.sub("<input.*?>", "", going, flags=re.DOTALL)
    html = admin.get(f"{address}?completions=1").content.decode()
    assert "completions" in re.sub("<input.*?>", "", html.split("Would go")[1].split("Stay")[0], flags=re.DOTALL)
    seen = re.search(r'name="seen" value="(\w+)"', html).group(1)
    assert admin.post(address, {"keep": 3, "days": 14, "seen": seen}).status_code == 409, "another plan than was seen"
    assert admin.post(address, {"keep": 3, "days": 14, "completions": 1, "seen": seen}).status_code == 302
    assert not (folder / "rollouts").exists() and not (folder / "checkpoint-8").exists()


def test_the_api_lists_and_removes_what_runs_left(admin, campaign, child):
    folder = left_by_a_failed_run(campaign, child)
    base = f"/api/v1/campaigns/{campaign.slug}/checkpoints/retention"
    plan = admin.get(f"{base}?completions=true").json()
    assert [(left["kind"], left["num_bytes"], left["because"]) for left in plan["leftovers"]] == [
        ("resumable state", 2048, ""),
        ("completions", 2048, "its child is kept"),
    ]
    assert (plan["days"], plan["completions"]) == (14, True)
    body = {"keep": 3, "days": 14, "completions": True, "seen": plan["seen"]}
    assert admin.post(base, body, content_type="application/json").status_code == 200
    assert (folder / "rollouts").is_dir() and not (folder / "checkpoint-8").exists()


def test_the_api_tells_the_same(admin, campaign, child):
    base = f"/api/v1/campaigns/{campaign.slug}/checkpoints"
    found = admin.get(f"{base}/{child.pk}").json()
    assert (found["files"], found["is_promoted"], found["steps"]) == ("here", True, 40)
    assert found["lineage"] == [child.parent_id, child.pk]
    pinned = admin.post(f"{base}/{child.pk}/pin", {"is_pinned": True}, content_type="application/json").json()
    assert pinned["is_pinned"]
    plan = admin.get(f"{base}/retention?keep=1").json()
    assert plan["going"] == [] and {"checkpoint": child.pk, "because": "was promoted"} in plan["kept"]
    answer = admin.post(f"{base}/retention", {"keep": 1, "seen": "x"}, content_type="application/json")
    assert answer.status_code == 409
