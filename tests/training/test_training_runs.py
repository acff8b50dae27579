"""A training run: a frozen spec, curves while it trains, a child at its end; the GPU child is played here."""

import json
import os
from collections import namedtuple
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.domain.files import hash_checkpoint
from core.domain.seeds import seed_of
from core.errors import GpuJobFailed, LeaseLost, NotAllowed
from core.jobs.engine import reap
from core.specs import DATASET_FILE, METRICS_FILE, RESULT_FILE, TrainSpec
from diagnostics.models import Checkpoint
from tests.factories import make_campaign, make_context, make_job, make_member
from tests.training.rows import make_checkpoint, make_dataset, make_folder, make_mixture, make_report, make_run
from training.models import Metric, Round, TrainingRun
from training.services import training_runs
from training.services.metrics import MetricStream
from training.services.training_runs import training_run_create, training_run_execute

pytestmark = pytest.mark.django_db


@pytest.fixture
def round(tmp_path) -> Round:
    campaign = make_campaign(seed=11)
    parent = make_checkpoint(campaign, make_folder(tmp_path / "base"))
    return Round.objects.create(campaign=campaign, number=2, parent=parent, started_by=campaign.created_by)


@pytest.fixture
def run(round, tmp_path) -> TrainingRun:
    parquet = tmp_path / "samples.parquet"
    parquet.write_bytes(b"rows")
    mixture = make_mixture(round.campaign, make_report(round.campaign, make_run(round.campaign, round.parent, [])))
    return training_run_create(actor=round.started_by, round=round, dataset=make_dataset(mixture, parquet))


def line(step: int, value: float, name: str = "reward", skill: str = "") -> str:
    return json.dumps({"step": step, "name": name, "value": value, "skill": skill}) + "\n"


def play_gpu(monkeypatch, weights: bytes = b"trained") -> list[TrainSpec]:
    """A child that trains in an instant; what it was asked."""
    asked = []

    def gpu_run(context, gpu):
        asked.append(gpu.spec)
        folder = gpu.folder
        final = hash_checkpoint(make_folder(folder / "final", weights))
        gpu.write_inputs(folder)
        (folder / METRICS_FILE).write_text(line(1, 0.25) + line(2, 0.5))
        result = {"seconds": 1.0, "peak_rss_mb": 1.0, "versions": {}, "steps": 2, "checkpoint_hash": final}
        (folder / RESULT_FILE).write_text(json.dumps(result))
        gpu.on_tick(folder)
        return folder

    monkeypatch.setattr(training_runs, "gpu_run", gpu_run)
    return asked


def context_of(run: TrainingRun):
    return make_context(make_job(campaign=run.campaign, kind="train"))


def points() -> list[tuple[str, str, int, float]]:
    return list(Metric.objects.order_by("name", "skill", "step").values_list("name", "skill", "step", "value"))


def test_a_run_freezes_what_the_campaign_says_when_it_is_made(round, run):
    assert run.seed == seed_of(11, 2, "train") == run.spec["seed"]
    assert run.spec["settings"]["steps"] == round.campaign.config.grpo.steps
    assert run.spec["checkpoint_hash"] == round.parent.content_hash
    assert run.spec["dataset_hash"] == run.dataset.file_hash
    assert "places" not in run.spec


def test_only_researchers_make_runs(round, run):
    with pytest.raises(NotAllowed):
        training_run_create(actor=make_member(round.campaign, "curator"), round=round, dataset=run.dataset)


def test_training_ends_with_a_child_of_the_parent(monkeypatch, run):
    asked = play_gpu(monkeypatch)
    child = training_run_execute(context_of(run), run)
    run.refresh_from_db()
    assert (run.child, child.parent, run.result["steps"]) == (child, run.parent, 2)
    assert child.name == f"{run.campaign.slug}-round-2"
    assert asked[0].run_name() == run.run_name
    assert asked[0].places.checkpoint == Path(run.parent.path)
    assert points() == [("reward", "", 1, 0.25), ("reward", "", 2, 0.5)]


def test_weights_that_are_not_what_the_result_names_are_no_child(monkeypatch, run):
    play_gpu(monkeypatch)
    played = training_runs.gpu_run

    def tampered(context, gpu):
        folder = played(context, gpu)
        (folder / "final" / "model.safetensors").write_bytes(b"other")
        return folder

    monkeypatch.setattr(training_runs, "gpu_run", tampered)
    with pytest.raises(GpuJobFailed, match="is not what its result names"):
        training_run_execute(context_of(run), run)
    assert Checkpoint.objects.count() == 1


def test_the_dataset_lies_whole_in_the_runs_folder(monkeypatch, run, settings):
    play_gpu(monkeypatch)
    training_run_execute(context_of(run), run)
    assert (settings.RUNS_ROOT / run.run_name / DATASET_FILE).read_bytes() == b"rows"


def test_the_dataset_is_copied_where_the_disk_is_another(monkeypatch, run, settings):
    def other_disk(source, target):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    play_gpu(monkeypatch)
    training_run_execute(context_of(run), run)
    assert (settings.RUNS_ROOT / run.run_name / DATASET_FILE).read_bytes() == b"rows"


def test_training_again_from_the_top_makes_the_same_rows(monkeypatch, run):
    play_gpu(monkeypatch)
    first = training_run_execute(context_of(run), run)
    again = training_run_execute(context_of(run), TrainingRun.objects.get(pk=run.pk))
    assert again == first
    assert (Checkpoint.objects.count(), len(points())) == (2, 2)


def test_a_full_disk_is_named_before_anything_starts(monkeypatch, run):
    asked = play_gpu(monkeypatch)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(training_runs.shutil, "disk_usage", lambda path: usage(1, 1, 3 * run.parent.num_bytes - 1))
    with pytest.raises(GpuJobFailed, match="Free some space") as caught:
        training_run_execute(context_of(run), run)
    assert (caught.value.code, asked) == ("disk_full", [])


def test_a_lost_lease_publishes_no_child_and_no_points(monkeypatch, run):
    play_gpu(monkeypatch)
    context = context_of(run)
    reap(timezone.now() + timedelta(hours=1))
    with pytest.raises(LeaseLost):
        training_run_execute(context, run)
    assert (Checkpoint.objects.count(), points()) == (1, [])


@pytest.mark.parametrize("moment", ["gpu_run", "checkpoint_inspect"])
def test_a_lease_lost_just_before_the_end_publishes_no_child(monkeypatch, run, moment):
    play_gpu(monkeypatch)
    played = getattr(training_runs, moment)

    def lose_it(*args, **kwargs):
        made = played(*args, **kwargs)
        reap(timezone.now() + timedelta(hours=1))
        return made

    monkeypatch.setattr(training_runs, moment, lose_it)
    with pytest.raises(LeaseLost):
        training_run_execute(context_of(run), run)
    run.refresh_from_db()
    assert (run.child, Checkpoint.objects.count()) == (None, 1)


def test_a_line_counts_when_it_is_written_to_its_end(run, tmp_path):
    stream = MetricStream(context_of(run), run)
    path, second = tmp_path / METRICS_FILE, line(2, 0.5)
    path.write_text(line(1, 0.25) + second[:10])
    stream(tmp_path)
    assert points() == [("reward", "", 1, 0.25)]
    with path.open("a") as file:
        file.write(second[10:])
    stream(tmp_path)
    assert points() == [("reward", "", 1, 0.25), ("reward", "", 2, 0.5)]


def test_a_replayed_step_overwrites_what_it_said_before(run, tmp_path):
    path = tmp_path / METRICS_FILE
    path.write_text(line(1, 0.25) + line(1, 0.75) + line(1, 0.5, skill="clock"))
    MetricStream(context_of(run), run)(tmp_path)
    assert points() == [("reward", "", 1, 0.75), ("reward", "clock", 1, 0.5)]
    path.write_text(path.read_text() + line(1, 0.9))
    MetricStream(context_of(run), run)(tmp_path)
    assert points() == [("reward", "", 1, 0.9), ("reward", "clock", 1, 0.5)]


def test_what_is_no_number_is_not_a_point(run, tmp_path):
    (tmp_path / METRICS_FILE).write_text(line(1, float("nan")) + line(2, float("inf")) + line(3, 1.0))
    MetricStream(context_of(run), run)(tmp_path)
    assert points() == [("reward", "", 3, 1.0)]


def test_many_points_come_in_in_short_fenced_transactions(run, tmp_path):
    (tmp_path / METRICS_FILE).write_text("".join(line(step, 1.0) for step in range(1200)))
    stream = MetricStream(context_of(run), run)
    with CaptureQueriesContext(connection) as queries:
        stream(tmp_path)
    fences = [query for query in queries if query["sql"].startswith('UPDATE "core_job"')]
    assert (len(fences), Metric.objects.count()) == (3, 1200)


def test_no_file_yet_is_no_news(run, tmp_path):
    MetricStream(context_of(run), run)(tmp_path)
    assert points() == []


def test_an_alarm_is_raised_once_a_run_and_kind_and_told_in_the_job_s_history(run, tmp_path):
    path, context = tmp_path / METRICS_FILE, context_of(run)
    stream = MetricStream(context, run)
    path.write_text("".join(line(step, 0.9, "frac_reward_zero_std") for step in range(1, 5)))
    stream(tmp_path)
    assert not run.alarms.exists()
    for step in (5, 6):
        with path.open("a") as file:
            file.write(line(step, 0.9, "frac_reward_zero_std"))
        stream(tmp_path)
    MetricStream(context, run)(tmp_path)
    assert list(run.alarms.values_list("kind", "step")) == [("no_gradient", 5)]
    told = context.job.events.filter(name="alarm").get()
    assert told.message.startswith("Groups without gradient, from step 5: 90% of the groups have equal rewards.")


def test_an_alarm_of_one_skill_is_none_of_the_run(run, tmp_path):
    lines = [line(step, 1.0, "frac_reward_zero_std", skill="clock") for step in range(1, 9)]
    (tmp_path / METRICS_FILE).write_text("".join(lines))
    MetricStream(context_of(run), run)(tmp_path)
    assert not run.alarms.exists()
