"""Checkpoint folders are checked from their files and registered once by content."""

import json
import shutil

import pytest

from core.domain.files import hash_checkpoint
from core.errors import InvalidInput, NotAllowed
from core.models import AuditEvent
from diagnostics.handlers import checkpoint_register_job
from diagnostics.models import Checkpoint
from diagnostics.services.checkpoints import checkpoint_register, checkpoint_submit
from tests.diagnostics.makers import VISION, make_checkpoint, make_folder
from tests.factories import make_campaign, make_context, make_job, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    return make_campaign()


def register(campaign, path, **more) -> Checkpoint:
    return checkpoint_register(actor=campaign.created_by, campaign=campaign, name="base", path=path, **more)


def test_a_folder_is_registered_by_its_content(campaign, import_root):
    folder = make_folder(import_root / "m")
    job = make_job(campaign=campaign, spec={"name": "base", "path": str(folder)})
    row = Checkpoint.objects.get(pk=checkpoint_register_job(make_context(job))["checkpoint_id"])
    assert (row.name, row.path, row.content_hash) == ("base", str(folder), hash_checkpoint(folder))
    assert row.num_bytes == sum(file.stat().st_size for file in folder.iterdir())
    assert AuditEvent.objects.get(action="checkpoint.registered").object_id == str(row.pk)


def test_the_same_content_is_the_same_checkpoint_of_a_campaign(campaign, import_root):
    first = register(campaign, make_folder(import_root / "m"))
    assert register(campaign, make_folder(import_root / "copy")) == first
    assert first.path == str(import_root / "m")
    assert register(make_campaign(), import_root / "m") != first
    assert register(campaign, make_folder(import_root / "other", weights=b"other")) != first


def test_a_folder_that_moved_is_found_again(campaign, import_root):
    first = register(campaign, make_folder(import_root / "m"))
    shutil.move(import_root / "m", import_root / "moved")
    assert register(campaign, import_root / "moved") == first
    first.refresh_from_db()
    assert first.path == str(import_root / "moved")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"without": "config.json"}, "it has no config.json"),
        ({"without": "model.safetensors"}, "it has no weights"),
        ({"without": "tokenizer.json"}, "it has no tokenizer"),
        ({"without": "preprocessor_config.json"}, "it has no image processor"),
        ({"config": {"architectures": ["Qwen2ForCausalLM"]}}, "names Qwen2ForCausalLM, and one that ends in"),
        ({"config": {"architectures": None, "vision_config": {}}}, "names no architecture"),
        ({"config": {"architectures": ["T5ForConditionalGeneration"]}}, "has no vision_config"),
        ({"config": [1]}, "config.json is no JSON object"),
    ],
)
def test_a_folder_that_is_no_vision_language_checkpoint_is_refused_in_one_sentence(
    campaign, import_root, change, words
):
    with pytest.raises(InvalidInput, match=words) as caught:
        register(campaign, make_folder(import_root / "m", **change))
    assert caught.value.field == "path"
    assert not Checkpoint.objects.exists()


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_a_configuration_that_cannot_be_read_is_refused(campaign, import_root, text):
    folder = make_folder(import_root / "m")
    (folder / "config.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"config\.json is no JSON"):
        register(campaign, folder)


def test_every_shard_that_the_index_names_must_be_there(campaign, import_root):
    folder = make_folder(import_root / "m")
    shards = {"a": "model.safetensors", "b": "model-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    with pytest.raises(InvalidInput, match="1 of its 2 shards are missing, first model-00002"):
        register(campaign, folder)


def test_files_that_are_links_out_of_the_import_folders_are_refused(campaign, import_root, tmp_path):
    folder = make_folder(import_root / "m", without="model.safetensors")
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "model.safetensors").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidInput, match="outside the import folders"):
        register(campaign, folder)


def test_only_a_child_may_lie_among_the_runs(campaign, settings):
    folder = make_folder(settings.RUNS_ROOT / "run" / "final")
    with pytest.raises(InvalidInput, match="outside"):
        register(campaign, folder)
    parent = make_checkpoint(campaign)
    assert register(campaign, folder, parent=parent).parent == parent


def test_a_parent_of_another_campaign_is_refused(campaign, import_root):
    with pytest.raises(InvalidInput, match="another campaign"):
        register(campaign, make_folder(import_root / "m"), parent=make_checkpoint(make_campaign()))


def test_hashing_a_large_file_leaves_room_for_heartbeats(campaign, import_root):
    beats = []
    register(campaign, make_folder(import_root / "m", weights=b"x" * (3 << 20)), tick=lambda: beats.append(1))
    assert len(beats) >= 3


def test_registering_takes_the_right_to_research_and_a_folder_of_ours(campaign, import_root):
    folder = make_folder(import_root / "m", config=VISION)
    with pytest.raises(NotAllowed):
        checkpoint_submit(actor=make_user(), campaign=campaign, name="base", path=str(folder))
    with pytest.raises(NotAllowed):
        checkpoint_register(actor=make_user(), campaign=campaign, name="base", path=folder)
    with pytest.raises(InvalidInput):
        checkpoint_submit(actor=campaign.created_by, campaign=campaign, name="base", path="/etc")
    job = checkpoint_submit(actor=campaign.created_by, campaign=campaign, name="base", path="m")
    assert (job.kind, job.spec) == ("checkpoint_register", {"name": "base", "path": str(folder)})
