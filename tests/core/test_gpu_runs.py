"""Invariant 9: only a result file counts, and nothing is left running."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from core import gpu_child, gpu_runs
from core.errors import GpuJobFailed, JobCancelled
from core.gpu_runs import GpuRun, Watchdog, gpu_run, stop_ask, stop_forget
from core.jobs.services import job_cancel
from core.specs import STOP_FILE, AnswerSpec, GrpoSettings, Places, StopFile, TrainSpec
from tests.factories import make_context, make_job

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


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
    monkeypatch.setattr(gpu_runs, "MIN_LIMIT_S", 1.0)
    run = fake_run("silent", first_limit_s=1.0)
    with pytest.raises(GpuJobFailed, match="fake_child") as caught:
        gpu_run(make_context(make_job()), run)
    assert caught.value.code == "hung"
    assert children_of(run) == []


def test_cancelling_the_job_ends_a_child_that_ignores_sigterm(monkeypatch):
    monkeypatch.setattr(gpu_child, "GRACE_S", 1.0)
    job = make_job()
    run = fake_run("stubborn", on_tick=lambda folder: job_cancel(actor=job.actor, job_id=job.pk))
    with pytest.raises(JobCancelled):
        gpu_run(make_context(job), run)
    assert children_of(run) == []


def test_what_a_killed_worker_left_running_is_ended_first(monkeypatch):
    run = fake_run("silent", first_limit_s=0.2)
    monkeypatch.setattr(gpu_runs, "end_group", lambda pid, poll: None)
    with pytest.raises(GpuJobFailed):
        gpu_run(make_context(make_job()), run)
    left = children_of(run)
    assert len(left) == 1
    monkeypatch.undo()
    gpu_child.end_leftover(run.folder)
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


def test_drills_set_the_limit_of_every_phase(settings):
    settings.WATCHDOG_S = 1
    with pytest.raises(GpuJobFailed, match="Silent in phase generate for more than 1 s") as caught:
        gpu_run(make_context(make_job()), fake_run("silent"))
    assert caught.value.code == "hung"


def test_a_child_that_was_stopped_is_found_said_and_ended_at_once(settings):
    settings.WATCHDOG_S = 2
    run = fake_run("silent", on_tick=lambda folder: [child.suspend() for child in children_of(run)])
    started = time.monotonic()
    with pytest.raises(GpuJobFailed, match="is stopped") as caught:
        gpu_run(make_context(make_job()), run)
    assert caught.value.code == "hung"
    assert time.monotonic() - started < 30
    assert children_of(run) == []


def test_a_child_that_somebody_else_kills_is_said_to_be_killed():
    run = fake_run("silent", on_tick=lambda folder: [child.kill() for child in children_of(run)])
    with pytest.raises(GpuJobFailed, match="lack of host memory") as caught:
        gpu_run(make_context(make_job()), run)
    assert caught.value.code == "killed"


def test_a_run_that_stopped_as_asked_is_cancelled_and_not_failed():
    with pytest.raises(JobCancelled, match="after step 4"):
        gpu_run(make_context(make_job()), fake_run("stopped"))


def test_a_wish_to_stop_is_meant_for_one_attempt():
    run = fake_run("fine")
    stop_ask(run.spec.run_name(), StopFile(attempt=1, by="ada"))
    stop_forget(run.folder, 1)
    assert (run.folder / STOP_FILE).exists()
    stop_forget(run.folder, 2)
    assert not (run.folder / STOP_FILE).exists()


WORKER = """
import os, sys, subprocess
from core.specs import PARENT_PIPE
rank = "import time; from gpu.runtime import end_with_parent as end; end(); print('ready', flush=True); time.sleep(99)"
launcher = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {rank!r}])"
subprocess.Popen([sys.executable, "-c", launcher], stdin=subprocess.PIPE, env={**os.environ, PARENT_PIPE: "1"}).wait()
"""


def test_a_worker_killed_with_9_leaves_no_rank_behind_even_through_a_launcher():
    worker = subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert worker.stdout and worker.stdout.readline() == "ready\n"
    launcher = psutil.Process(worker.pid).children()[0]
    family = [launcher, *launcher.children()]
    assert len(family) == 2
    worker.kill()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []


def test_runs_of_earlier_days_keep_their_names():
    places = Places(checkpoint=Path("/x"))
    spec = TrainSpec(checkpoint_hash="c", seed=1, dataset_hash="d", settings=GrpoSettings(), places=places)
    assert spec.run_name() == "7b4859a2c39511ac1f5856ff6bad9908"
    patient = spec.model_copy(update={"settings": GrpoSettings(first_limit_s=1800)})
    assert patient.run_name() == spec.run_name()
    assert spec.model_copy(update={"settings": GrpoSettings(vllm_url="http://a:8000")}).run_name() != spec.run_name()


def test_a_killed_rank_ends_the_whole_run_by_name():
    def kill_one(folder: Path) -> None:
        launcher = children_of(run)[:1]
        ranks = launcher[0].children() if launcher else []
        if len(ranks) == 2 and all("torch.distributed.run" not in rank.cmdline() for rank in ranks):
            ranks[1].kill()

    run = fake_run("silent", gpus=2, on_tick=kill_one)
    with pytest.raises(GpuJobFailed, match="One of the 2 processes") as caught:
        gpu_run(make_context(make_job()), run)
    assert caught.value.code == "rank_lost"
    assert children_of(run) == []
