"""A run by hand from the form's draft to its child, with the real children and the tiny model: nothing is played."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.domain.files import hash_file
from core.jobs.engine import execute_next
from core.specs import GrpoSettings
from datagen.models import Dataset
from dpe_site.stage_table import HANDLERS
from tests.factories import make_campaign
from tests.gpu.tiny import build_checkpoint
from tests.gpu.training import SETTINGS, make_rows
from tests.training.rows import make_checkpoint, make_dataset, make_mixture, make_report, make_run
from training.models import TrainingRun
from training.services.launches import Launch, training_run_launch, training_run_override

pytestmark = pytest.mark.django_db
SMALL = {**SETTINGS, "steps": 2, "steps_per_generation": 1, "save_every": 2}


@pytest.fixture
def campaign(tmp_path):
    campaign = make_campaign(engine={"threads": 1})
    parent = make_checkpoint(campaign, build_checkpoint(tmp_path / "base"))
    write_dataset(make_dataset(make_mixture(campaign, make_report(campaign, make_run(campaign, parent, [])))), tmp_path)
    return campaign


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """The file and the manifest of six samples that the parent gets right four times of nine."""
    images = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    table = pa.Table.from_pylist(make_rows())
    table = table.set_column(table.column_names.index("images"), "images", table["images"].cast(images))
    dataset.path = str(folder / "samples.parquet")
    pq.write_table(table, dataset.path)
    dataset.file_hash = hash_file(Path(dataset.path))
    dataset.manifest = {"samples": [[f"s{i}", "", i, 0, 4, 9] for i in range(6)]}
    dataset.save()


def launched(campaign, **choices) -> TrainingRun:
    parent, dataset = campaign.checkpoints.get(), campaign.datasets.get()
    launch = Launch(parent, dataset, GrpoSettings(**(SMALL | choices)), "cpu", "float32", 3)
    return training_run_launch(actor=campaign.created_by, campaign=campaign, launch=launch)


def work_once() -> str:
    job = execute_next("gpu", HANDLERS)
    assert job is not None
    job.refresh_from_db()
    return f"{job.kind} {job.status} {job.error_message}".strip()


def test_a_launched_run_is_checked_trains_and_leaves_a_child(campaign):
    run = launched(campaign)
    assert work_once() == "preflight succeeded"
    look = run.preflights.get()
    assert look.is_passed and len(look.lines) == 20, look.lines
    assert work_once() == "train succeeded"
    run.refresh_from_db()
    assert run.child.parent == run.parent and run.result["steps"] == 2


def test_a_learning_rate_that_bf16_forgets_is_caught_before_training_and_can_be_answered_for(campaign):
    run = launched(campaign, learning_rate=1e-9)
    assert work_once() == "preflight succeeded"
    assert [line["name"] for line in run.preflights.get().lines if line["status"] == "fail"] == ["dry step"]
    assert execute_next("gpu", HANDLERS) is None
    training_run_override(actor=campaign.created_by, run=run, reason="A drill.")
    assert work_once() == "train succeeded"
