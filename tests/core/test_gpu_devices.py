"""No two runs on one host get the same GPU, and a GPU is free when nobody uses it any more."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from core import gpu_devices
from core.errors import GpuJobFailed, JobCancelled
from core.gpu_devices import devices_claim
from core.gpu_runs import gpu_run
from core.jobs.services import job_cancel
from core.models import JobEvent
from tests.core.test_gpu_runs import fake_run
from tests.factories import make_context, make_job

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two_gpus(settings):
    settings.GPU_DEVICES = ("0", "1")


@pytest.fixture
def held():
    with ExitStack() as stack:
        yield stack


def test_rivals_get_different_gpus_and_then_none(held):
    claims = [devices_claim(held, ("0", "1"), 1) for _ in range(3)]
    assert [claim and claim.ids for claim in claims] == [("0",), ("1",), None]


def test_who_gets_too_few_keeps_none(held):
    devices_claim(held, ("0",), 1)
    assert devices_claim(held, ("0", "1"), 2) is None
    found = devices_claim(held, ("0", "1"), 1)
    assert found and found.ids == ("1",)


def test_a_run_sees_its_own_gpus_only_and_frees_them_at_its_end(held):
    devices_claim(held, ("0",), 1)
    folder = gpu_run(make_context(make_job()), fake_run("fine"))
    assert (folder / "devices").read_text() == "1"
    assert devices_claim(held, ("1",), 1)


def test_a_run_that_finds_no_free_gpu_waits_for_one_and_says_so(monkeypatch):
    rival = ExitStack()
    devices_claim(rival, ("0", "1"), 2)
    monkeypatch.setattr(gpu_devices.time, "sleep", lambda seconds: rival.close())
    job = make_job()
    folder = gpu_run(make_context(job), fake_run("fine"))
    assert (folder / "devices").read_text() == "0"
    names = JobEvent.objects.filter(job=job).order_by("pk").values_list("name", flat=True)
    assert list(names)[-2:] == ["waiting for a GPU", "child started"]


def test_a_run_that_waits_can_be_cancelled(held, monkeypatch):
    devices_claim(held, ("0", "1"), 2)
    context = make_context(job := make_job())
    monkeypatch.setattr(gpu_devices, "LOOK_S", 0.01)
    job_cancel(actor=job.actor, job_id=job.pk)
    with pytest.raises(JobCancelled):
        gpu_run(context, fake_run("fine"))


def test_a_run_that_wants_more_gpus_than_there_are_says_so_at_once():
    with pytest.raises(GpuJobFailed, match="wants 4 GPUs, and DPE_GPU_DEVICES names 2"):
        gpu_run(make_context(make_job()), fake_run("fine", gpus=4))


def test_without_the_setting_a_run_sees_what_its_worker_sees(settings, monkeypatch):
    settings.GPU_DEVICES = ()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    assert (gpu_run(make_context(make_job()), fake_run("fine")) / "devices").read_text() == "7"


WORKER = """
import sys, time
from contextlib import ExitStack
from pathlib import Path
import django
django.setup()
from core import gpu_child
from core.gpu_devices import devices_claim
held = ExitStack()
devices = devices_claim(held, ("0", "1"), 1)
class Sleeper(gpu_child.Child):
    words = [sys.executable, "-c", "import time; time.sleep(60)"]
folder = Path(sys.argv[1])
child = gpu_child.child_start(Sleeper("sleeper", folder), (folder / "log.txt").open("ab"), devices)
print(devices.ids[0], child.pid, flush=True)
child.wait()
"""


def worker_start(folder: Path) -> tuple["subprocess.Popen[str]", str, psutil.Process]:
    """Another worker process with a child: the process, the GPU that it got, the child."""
    folder.mkdir()
    given = {"DPE_VAR": str(folder.parent), "DJANGO_SETTINGS_MODULE": "dpe_site.settings", "DPE_GPU_LAUNCHER": ""}
    command = [sys.executable, "-c", WORKER, str(folder)]
    worker = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **given}, stdout=subprocess.PIPE, text=True)
    assert worker.stdout
    device, pid = worker.stdout.readline().split()
    return worker, device, psutil.Process(int(pid))


def test_two_workers_never_share_a_gpu_and_a_child_holds_its_own_beyond_its_worker(tmp_path, held):
    first, one, child = worker_start(tmp_path / "a")
    second, other, sibling = worker_start(tmp_path / "b")
    assert (one, other) == ("0", "1")
    first.kill()
    first.wait()
    assert devices_claim(held, ("0", "1"), 1) is None
    child.kill()
    psutil.wait_procs([child], timeout=10)
    found = devices_claim(held, ("0", "1"), 1)
    assert found and found.ids == ("0",)
    for process in (second, sibling):
        process.kill()
    second.wait()
