"""The real gpu.answer, started by a stand-in for ssh: other folder, empty environment, other session, own shell."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from core.errors import GpuJobFailed, JobCancelled
from core.gpu_runs import GpuRun, gpu_run
from core.jobs.services import job_cancel
from core.specs import ITEMS_FILE, RESULT_FILE, AnswerResult, AnswerSpec, Sampling
from tests.factories import make_context, make_job
from tests.gpu.runs import ROOT, wait_until
from tests.gpu.test_answer import NUM_ITEMS, answer_run

pytestmark = pytest.mark.django_db
LAUNCHER = """#!/bin/sh
# The shell in between outlives this script and hears none of its signals, as a remote one does.
cd / && exec env -i PATH=/usr/bin:/bin setsid --wait sh -c "$1; exit \\$?"
"""


@pytest.fixture
def launcher(tmp_path: Path, settings) -> str:
    """The stand-in as the site's launcher."""
    script = tmp_path / "faraway"
    script.write_text(LAUNCHER)
    script.chmod(0o755)
    settings.GPU_LAUNCHER = f"{script} 'cd {{root}} && {{child}}'"
    return settings.GPU_LAUNCHER


def launched(checkpoint: Path, tmp_path: Path, **choices) -> GpuRun:
    spec: AnswerSpec = answer_run(checkpoint, tmp_path / "prepared", **choices)
    items = (tmp_path / "prepared" / ITEMS_FILE).read_bytes()
    return GpuRun("gpu.answer", spec, write_inputs=lambda folder: (folder / ITEMS_FILE).write_bytes(items) and None)


def processes_of(folder: Path) -> list[psutil.Process]:
    """Every process on this host that works in the folder."""
    found = [one for one in psutil.process_iter(["cmdline"]) if str(folder) in (one.info["cmdline"] or [])]
    return [one for one in found if one.status() != psutil.STATUS_ZOMBIE]


def long_run(checkpoint: Path, tmp_path: Path) -> GpuRun:
    return launched(checkpoint, tmp_path, sampling=Sampling(num_answers=2, temperature=1.0, max_new_tokens=512))


def test_a_launched_child_answers_as_one_of_this_host(launcher, checkpoint, tmp_path):
    folder = gpu_run(make_context(make_job()), launched(checkpoint, tmp_path))
    result = AnswerResult.model_validate_json((folder / RESULT_FILE).read_bytes())
    assert result.num_answers == 2 * NUM_ITEMS
    assert processes_of(folder) == []


def test_cancelling_reaches_a_launched_child(launcher, checkpoint, tmp_path):
    job = make_job()
    run = long_run(checkpoint, tmp_path)

    def cancel(folder: Path) -> None:
        if (folder / "progress.json").exists():
            job_cancel(actor=job.actor, job_id=job.pk)

    with pytest.raises(JobCancelled):
        gpu_run(make_context(job), GpuRun(run.module, run.spec, run.write_inputs, cancel))
    wait_until(lambda: processes_of(run.folder) == [], 10)


def test_a_silent_child_elsewhere_is_hung_and_says_that_no_stack_can_be_read(launcher, checkpoint, tmp_path, settings):
    settings.GPU_START_S = 0.2
    with pytest.raises(GpuJobFailed, match="No stack can be read") as caught:
        gpu_run(make_context(make_job()), long_run(checkpoint, tmp_path))
    assert caught.value.code == "hung"


WORKER = """
import sys
from pathlib import Path
import django
django.setup()
from core.gpu_child import Child, child_start
folder = Path(sys.argv[1])
with (folder / "log.txt").open("ab") as log:
    child_start(Child("gpu.answer", folder, threads=1), log).wait()
"""


def test_a_worker_killed_with_9_leaves_no_child_behind_elsewhere(launcher, checkpoint, tmp_path):
    folder = tmp_path / "run"
    answer_run(checkpoint, folder, sampling=Sampling(num_answers=2, temperature=1.0, max_new_tokens=512))
    given = {"DPE_VAR": str(tmp_path), "DPE_GPU_LAUNCHER": launcher, "DJANGO_SETTINGS_MODULE": "dpe_site.settings"}
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(folder)], cwd=ROOT, env={**os.environ, **given})
    wait_until(lambda: (folder / "progress.json").exists(), 60)
    assert len(processes_of(folder)) == 2
    worker.kill()
    worker.wait()
    wait_until(lambda: processes_of(folder) == [], 10)
    assert not (folder / RESULT_FILE).exists()
