"""Adapters and their base become one full checkpoint, by the real child and the tiny model."""

from collections import namedtuple
from pathlib import Path

import pytest

from core.domain.files import hash_checkpoint
from core.errors import InvalidInput, NotAllowed
from core.jobs.engine import execute_next
from core.models import AuditEvent, Job
from core.specs import RESULT_FILE, MergeResult
from diagnostics.models import Checkpoint
from dpe_site.stage_table import HANDLERS
from tests.diagnostics.makers import make_adapter
from tests.factories import make_campaign, make_member
from tests.gpu.test_merge import reshaped, write_adapter
from tests.gpu.tiny import build_checkpoint
from tests.training.rows import make_checkpoint
from training.models import CheckpointCare
from training.selectors.checkpoints import lineage, registry
from training.services import training_runs
from training.services.merges import base_named, merge_submit

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    base = build_checkpoint(tmp_path_factory.mktemp("base"))
    return base, write_adapter(base, tmp_path_factory.mktemp("adapter"))


@pytest.fixture
def campaign():
    return make_campaign(engine={"threads": 1})


@pytest.fixture
def base(campaign, folders) -> Checkpoint:
    return make_checkpoint(campaign, folders[0], name="base")


@pytest.fixture
def adapter(campaign, folders) -> Checkpoint:
    return make_checkpoint(campaign, folders[1], name="tuned")


def submit(adapter, base=None) -> Job:
    return merge_submit(actor=adapter.campaign.created_by, adapter=adapter, base=base)


def work_once() -> Job:
    job = execute_next("gpu", HANDLERS)
    assert job is not None
    job.refresh_from_db()
    return job


def test_a_merge_leaves_a_child_below_the_adapters_and_these_below_their_base(campaign, base, adapter):
    submit(adapter, base)
    job = work_once()
    assert (job.status, job.error_message) == ("succeeded", "")
    whole = Checkpoint.objects.get(pk=job.result["checkpoint_id"])
    adapter.refresh_from_db()
    assert (whole.name, whole.parent, adapter.parent) == ("tuned, merged", adapter, base)
    assert whole.content_hash == hash_checkpoint(Path(whole.path))
    assert (whole.lacks, whole.is_adapter) == ("", False)
    result = MergeResult.model_validate_json((Path(whole.path).parent / RESULT_FILE).read_bytes())
    assert result.checkpoint_hash == whole.content_hash
    line = lineage(registry(campaign), whole.pk)
    assert [(entry.checkpoint.name, entry.is_merged) for entry in line] == [
        ("base", False),
        ("tuned", False),
        ("tuned, merged", True),
    ]
    event = AuditEvent.objects.get(action="checkpoint.merged")
    assert (event.object_id, event.data["adapter"], event.data["base"]) == (str(whole.pk), adapter.pk, base.pk)

    submit(adapter)
    assert work_once().result == job.result, "the same merge again is the same checkpoint"
    assert Checkpoint.objects.count() == 3

    CheckpointCare.objects.create(checkpoint=whole, removed_at=job.ended_at)
    Checkpoint.objects.filter(pk=whole.pk).update(path="")
    assert registry(campaign)[whole.pk].is_merged, "it stays a merged one when its files are gone"


def test_adapters_of_another_shape_fail_by_name(campaign, base, tmp_path, folders):
    spoiled = write_adapter(folders[0], tmp_path / "spoiled")
    reshaped(spoiled)
    adapter = make_checkpoint(campaign, spoiled, parent=base)
    submit(adapter)
    job = work_once()
    assert (job.status, job.error_code) == ("failed", "bad_checkpoint")
    assert "do not fit their base" in job.error_message and "log.txt" in job.error_message
    assert not adapter.children.exists()


def test_a_full_disk_is_named_before_anything_is_written(base, adapter, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(training_runs.shutil, "disk_usage", lambda path: usage(1, 1, 1))
    submit(adapter, base)
    job = work_once()
    assert (job.status, job.error_code) == ("failed", "disk_full")
    assert "merging needs" in job.error_message


def test_a_base_whose_files_went_meanwhile_fails_by_name(base, adapter):
    submit(adapter, base)
    Checkpoint.objects.filter(pk=base.pk).update(path="")
    job = work_once()
    assert job.status == "failed" and "base: base cannot be used: it has no folder here" in job.error_message


def test_a_second_wish_is_the_same_job(base, adapter):
    first = submit(adapter, base)
    assert submit(adapter, base) == first
    assert (first.queue, first.gpus) == ("gpu", 0)


def test_a_merge_on_a_gpu_takes_one(tmp_path):
    campaign = make_campaign(engine={"device": "cuda"})
    adapter = make_checkpoint(campaign, make_adapter(tmp_path / "a"), parent=make_checkpoint(campaign))
    assert submit(adapter).gpus == 1


def test_what_cannot_be_merged_is_refused_with_the_field(campaign, base, adapter, tmp_path):
    elsewhere, other = make_checkpoint(campaign, path=""), make_checkpoint(make_campaign())
    known = make_checkpoint(campaign, make_adapter(tmp_path / "known"), parent=base)
    for asked, given, words in (
        (base, None, "checkpoint: it holds no adapters"),
        (adapter, None, "base: say on which checkpoint"),
        (adapter, elsewhere, "it has no folder here"),
        (adapter, known, "it holds adapters"),
        (adapter, other, "it belongs to another campaign"),
        (known, make_checkpoint(campaign), "these adapters belong to base"),
    ):
        with pytest.raises(InvalidInput, match=words) as caught:
            submit(asked, given)
        assert caught.value.field == words.split(":")[0] if ":" in words else "base"
    with pytest.raises(InvalidInput, match="has no checkpoint"):
        base_named(campaign, other.pk)
    assert not Job.objects.exists()


def test_merging_takes_the_right_to_research(base, adapter):
    with pytest.raises(NotAllowed):
        merge_submit(actor=make_member(adapter.campaign, "viewer"), adapter=adapter, base=base)
