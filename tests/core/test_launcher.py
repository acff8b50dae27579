"""A GPU child may be started elsewhere by a command template; all else about it stays as it is."""

import json
import socket
import subprocess
import sys

import pytest

from core import gpu_child
from core.domain.launcher import template_fill, template_problem
from core.errors import GpuJobFailed
from core.gpu_child import CHILD_FILE, Child, end_leftover
from core.gpu_runs import Watchdog, failure, gpu_run
from tests.core.test_gpu_runs import fake_run, starts
from tests.factories import make_context, make_job

FIELDS = {"run_dir": "/var/my runs/a", "gpus": "2", "root": "/opt/my studio", "name": "a"}
CHILD = ["env", "A=1 2", "python", "-m", "gpu.train", "/var/my runs/a"]


def test_a_launcher_of_words_gets_the_childs_words_as_they_are():
    words = template_fill("srun --gpus={gpus} --chdir={root} --job-name=dpe-{name} {child}", CHILD, FIELDS)
    assert words == ["srun", "--gpus=2", "--chdir=/opt/my studio", "--job-name=dpe-a", *CHILD]


def test_a_line_for_a_shell_elsewhere_is_quoted_so_that_it_comes_out_as_the_same_words():
    words = template_fill("ssh gpu-host 'cd {root} && exec {child}'", CHILD, FIELDS)
    assert words == [
        "ssh",
        "gpu-host",
        "cd '/opt/my studio' && exec env 'A=1 2' python -m gpu.train '/var/my runs/a'",
    ]


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("srun --gpus={gpus}", "must hold {child} once"),
        ("srun {child} {child}", "must hold {child} once"),
        ("srun --account={account} {child}", "not 'account'"),
        ("srun {child.__class__}", "not 'child.__class__'"),
        ("srun {child!r}", "plain fields"),
        ("srun {gpus:>9} {child}", "plain fields"),
        ("srun {} {child}", "not ''"),
        ("ssh host 'cd {root} && {child}", "cannot be read"),
        ("srun {child", "cannot be read"),
    ],
)
def test_a_template_that_could_not_work_says_why(template, problem):
    assert problem in template_problem(template)


def test_braces_of_a_shell_are_written_twice():
    template = "ssh host '. ${{HOME}}/env && {child}'"
    assert template_problem(template) == ""
    assert template_fill(template, ["true"], FIELDS)[2] == ". ${HOME}/env && true"


def test_without_a_launcher_the_child_is_a_process_of_this_host(settings, tmp_path):
    settings.GPU_LAUNCHER = ""
    assert Child("gpu.answer", tmp_path).command == [sys.executable, "-m", "gpu.answer", str(tmp_path)]


def test_a_launched_child_brings_what_it_needs_of_the_environment(settings, tmp_path):
    settings.GPU_LAUNCHER = "srun {child}"
    command = Child("gpu.answer", tmp_path, gpus=2, threads=3).command
    assert command[:2] == ["srun", "env"]
    assert {"DPE_PARENT_PIPE=1", "HF_HUB_OFFLINE=1", "OMP_NUM_THREADS=3", f"PYTHONPATH={settings.ROOT}"} < set(command)
    assert "--nproc-per-node=2" in command


@pytest.fixture
def left_process():
    """A process that a killed attempt could have left."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def record(process: "subprocess.Popen[bytes]", **more: object) -> str:
    started = gpu_child.psutil.Process(process.pid).create_time()
    return json.dumps({"pid": process.pid, "started": started, **more})


def test_a_process_with_the_recorded_pid_is_left_alone_when_another_host_recorded_it(tmp_path, left_process):
    (tmp_path / CHILD_FILE).write_text(record(left_process, host="elsewhere"))
    end_leftover(tmp_path)
    assert left_process.poll() is None
    assert not (tmp_path / CHILD_FILE).exists()


@pytest.mark.parametrize("more", [{}, {"host": socket.gethostname()}], ids=["of an earlier version", "with its host"])
def test_a_process_that_this_host_recorded_is_ended(tmp_path, left_process, more):
    (tmp_path / CHILD_FILE).write_text(record(left_process, **more))
    end_leftover(tmp_path)
    assert left_process.wait(5) == -15


def test_what_a_child_waits_for_a_place_is_no_silence():
    now = [0.0]
    dog = Watchdog(first_s=600, start_s=86400, clock=lambda: now[0])
    now[0] = 80000.0
    assert not dog.is_hung()
    dog.look("load", 1)
    now[0] += 601.0
    assert dog.is_hung()


def test_a_child_that_never_got_a_place_is_ended_in_the_end():
    now = [0.0]
    dog = Watchdog(first_s=600, start_s=86400, clock=lambda: now[0])
    now[0] = 86401.0
    assert dog.is_hung()


@pytest.mark.django_db
def test_what_an_earlier_attempt_said_is_not_taken_for_the_word_of_this_one(settings):
    run = fake_run("fine")
    run.folder.mkdir(parents=True)
    (run.folder / "progress.json").write_text("not the word of this attempt")
    gpu_run(make_context(make_job()), run)
    assert starts(run) == 1


@pytest.mark.django_db
def test_a_launcher_that_is_not_there_is_named(settings):
    settings.GPU_LAUNCHER = "no-such-launcher {child}"
    with pytest.raises(GpuJobFailed, match="no-such-launcher cannot be started") as caught:
        gpu_run(make_context(make_job()), fake_run("fine"))
    assert "DPE_GPU_LAUNCHER" in str(caught.value)


def test_a_launcher_that_ends_without_a_result_says_where_to_look(settings, tmp_path):
    settings.GPU_LAUNCHER = "srun {child}"
    (tmp_path / "log.txt").write_text("srun: error: Invalid account")
    said = str(failure(tmp_path, -9, gpus=2))
    assert "status -9" in said and "standard input" in said and "Invalid account" in said


def test_the_last_file_of_another_host_may_be_seen_late(tmp_path, monkeypatch):
    looks = []
    monkeypatch.setattr(gpu_child.time, "sleep", lambda seconds: looks.append(seconds) or arrive())

    def arrive() -> None:
        if len(looks) == 3:
            (tmp_path / "result.json").write_text("{}")

    gpu_child.news_await(tmp_path)
    assert len(looks) == 3
