"""Invariant 9: only a result file counts, and nothing is left running."""

from pathlib import Path

import psutil
import pytest

from core import gpu_runs
from core.errors import GpuJobFailed, JobCancelled
from core.gpu_runs import GpuRun, Watchdog, gpu_run
from core.jobs.services import job_cancel
from core.specs import AnswerSpec, Places
from tests.factories import make_context, make_job

pytestmark = pytest.mark.django_db


def fake_run(mode: str, **more) -> GpuRun:
    spec = AnswerSpec(
        checkpoint_hash="c", seed=1, items_hash="i", prompt_version=mode, places=Places(checkpoint=Path("/nowhere"))
    )
    return GpuRun("tests.core.fake_child", spec, write_inputs=lambda folder: None, **more)


def starts(run: GpuRun) -> int:
    return len((run.folder / "starts").read_text())


def test_a_finished_run_is_reused_and_not_run_again():
    run = fake_run("fine")
    gpu_run(make_context(make_job()), run)
    gpu_run(make_context(make_job()), run)
    assert starts(run) == 1


def test_the_same_spec_is_the_same_run_wherever_its_files_lie():
    here, there = (fake_run("fine").spec.model_copy(update={"places": Places(checkpoint=Path(p))}) for p in "ab")
    assert here.run_name() == there.run_name()
    assert here.model_copy(update={"seed": 2}).run_name() != here.run_name()


def test_a_named_error_of_the_child_is_the_jobs_error():
    with pytest.raises(GpuJobFailed, match="too big") as caught:
        gpu_run(make_context(make_job()), fake_run("named error"))
    assert caught.value.code == "out_of_memory"


def test_no_result_means_failed_whatever_the_exit_code_says():
    with pytest.raises(GpuJobFailed, match="left no result"):
        gpu_run(make_context(make_job()), fake_run("no result"))


def test_a_silent_child_is_named_hung_with_a_stack_dump_and_ended(monkeypatch):
    monkeypatch.setattr(gpu_runs, "FIRST_LIMIT_S", 1.0)
    monkeypatch.setattr(gpu_runs, "MIN_LIMIT_S", 1.0)
    run = fake_run("silent")
    with pytest.raises(GpuJobFailed, match="fake_child") as caught:
        gpu_run(make_context(make_job()), run)
    assert caught.value.code == "hung"
    assert children_of(run) == []


def test_cancelling_the_job_ends_a_child_that_ignores_sigterm(monkeypatch):
    monkeypatch.setattr(gpu_runs, "GRACE_S", 1.0)
    job = make_job()
    run = fake_run("stubborn", on_tick=lambda folder: job_cancel(actor=job.actor, job_id=job.pk))
    with pytest.raises(JobCancelled):
        gpu_run(make_context(job), run)
    assert children_of(run) == []


def test_what_a_killed_worker_left_running_is_ended_first(monkeypatch):
    run = fake_run("silent")
    monkeypatch.setattr(gpu_runs, "end_group", lambda pid, poll: None)
    monkeypatch.setattr(gpu_runs, "FIRST_LIMIT_S", 0.2)
    with pytest.raises(GpuJobFailed):
        gpu_run(make_context(make_job()), run)
    left = children_of(run)
    assert len(left) == 1
    monkeypatch.undo()
    gpu_runs.end_leftover(run.folder)
    assert children_of(run) == []


def children_of(run: GpuRun) -> list[psutil.Process]:
    found = [p for p in psutil.Process().children() if p.status() != psutil.STATUS_ZOMBIE]
    return [p for p in found if str(run.folder) in " ".join(p.cmdline())]


def test_the_limit_of_a_phase_is_five_times_its_median_and_at_least_two_minutes():
    now = [0.0]
    dog = Watchdog(clock=lambda: now[0])
    for beat in range(1, 6):
        now[0] += 60.0
        dog.look("update", beat)
    assert dog.limit_s() == 300.0
    now[0] += 299.0
    assert not dog.is_hung()
    now[0] += 2.0
    assert dog.is_hung()


def test_a_short_phase_still_gets_two_minutes():
    now = [0.0]
    dog = Watchdog(clock=lambda: now[0])
    for beat in range(1, 4):
        now[0] += 1.0
        dog.look("generate", beat)
    assert dog.limit_s() == 120.0
