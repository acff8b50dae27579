"""Bad input to the demo: one clear line, an exit status that is not 0, and nothing written."""

import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from demo.run import checks
from demo.run.client import DemoError
from demo.run.plan import SMALL, Plan, plan_read
from demo.run.servers import try_teacher
from demo.run.world_files import BENCHMARKS, MODEL, RECORD, check_world, write_world

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    """A folder that passes for the mini model."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in checks.NEEDED:
        (folder / name).write_text("{}")
    (folder / "config.json").write_text(json.dumps({"architectures": [checks.ARCHITECTURE]}))
    folder.with_suffix(".json").write_text('{"planted_suites": ["clock"]}')
    return folder


@pytest.fixture
def plan(tmp_path, checkpoint) -> Plan:
    sizes = replace(SMALL, bank=2, pool=2)
    return Plan(var=tmp_path / "var", checkpoint=checkpoint, sizes=sizes, port=free(), teacher_port=free())


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_a_python_that_does_not_fit_is_named(version):
    with pytest.raises(DemoError, match=rf"Python 3.11 to 3.13 is needed, this is 3.{version[1]}"):
        checks.check_python(version)


def test_all_is_well_with_a_whole_plan_and_nothing_is_written(plan):
    checks.check_all(plan)
    assert not plan.var.exists()


def test_a_checkpoint_that_is_missing_torn_or_foreign_is_named(plan):
    (plan.checkpoint / "config.json").write_text('{"architectures": ["BertModel"]}')
    with pytest.raises(DemoError, match=r"not the mini model's checkpoint: its config.json names .'BertModel'"):
        checks.check_all(plan)
    (plan.checkpoint / "tokenizer.json").unlink()
    with pytest.raises(DemoError, match=r"it lacks tokenizer\.json"):
        checks.check_all(plan)
    shutil.rmtree(plan.checkpoint)
    with pytest.raises(DemoError, match="missing: git checkout demo/checkpoint"):
        checks.check_all(plan)


def test_facts_about_the_checkpoint_must_be_there(plan):
    plan.facts.write_text("[]")
    with pytest.raises(DemoError, match="planted suites"):
        checks.check_all(plan)


def test_a_full_disk_is_named_with_what_is_needed(tmp_path):
    with pytest.raises(DemoError, match="free some, or set DPE_VAR"):
        checks.check_disk(tmp_path / "not" / "yet", needed=1 << 60)


def test_an_endpoint_that_nobody_serves_is_named():
    with pytest.raises(DemoError, match=r"does not answer .*start it, or unset DEMO_ENDPOINT"):
        checks.check_endpoint(f"http://127.0.0.1:{free()}/v1")
    with pytest.raises(DemoError, match="DEMO_ENDPOINT"):
        checks.check_endpoint("no url")


def test_a_benchmark_that_is_not_the_one_that_was_written_is_named(plan):
    write_world(plan, lambda done, total: None)
    check_world(plan)
    path = plan.world / BENCHMARKS / "clock.tsv"
    path.write_text("not\ta\tbenchmark\n")
    with pytest.raises(DemoError, match=r"clock.tsv is not the file that the demo wrote: delete "):
        checks.check_all(plan)
    path.unlink()
    with pytest.raises(DemoError, match=r"clock.tsv is missing: delete "):
        check_world(plan)
    (plan.world / RECORD).write_text("{}")
    with pytest.raises(DemoError, match="cannot be read"):
        check_world(plan)


def test_the_world_is_written_once_and_goes_on_after_a_kill(plan):
    write_world(plan, lambda done, total: None)
    first = {path.name: path.read_bytes() for path in (plan.world / BENCHMARKS).iterdir()}
    assert len(first) == 11 and (plan.world / MODEL / "config.json").is_file()
    (plan.world / RECORD).unlink()
    (plan.world / BENCHMARKS / "sum.tsv").write_text("torn")
    write_world(plan, lambda done, total: None)
    assert {path.name: path.read_bytes() for path in (plan.world / BENCHMARKS).iterdir()} == first
    asked: list[int] = []
    write_world(plan, lambda done, total: asked.append(done))
    assert asked == []


def test_a_teacher_that_does_not_start_is_a_fault_and_a_good_one_leaves_no_trace(plan, monkeypatch):
    try_teacher(plan)
    assert list(plan.folder.iterdir()) == []
    monkeypatch.setattr("demo.run.servers.teacher_command", lambda plan, log: [sys.executable, "-c", "pass"])
    with pytest.raises(DemoError, match=f"{plan.teacher_port}/v1/models does not answer; see the logs"):
        try_teacher(plan)


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "http"), ("DEMO_ROUNDS", "0"), ("DEMO_EXIT", "yes"), ("DEMO_SEED", "-1")]
)
def test_a_bad_variable_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(DemoError, match=f"^{name} must be"):
        plan_read()


def run_demo(tmp_path: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DPE_VAR": str(tmp_path / "var"), "DEMO_EXIT": "1", "DEMO_SMALL": "1", **variables}
    command = [sys.executable, "-m", "demo.run"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_port_in_use_ends_the_demo_with_one_line_and_no_database(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for name, other in (("PORT", "DEMO_TEACHER_PORT"), ("DEMO_TEACHER_PORT", "PORT")):
            done = run_demo(tmp_path, **{name: port, other: str(free())})
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr == f"dpe: Port {port} is in use: set {name} to a free one.\n"
    assert not (tmp_path / "var").exists()


def test_a_missing_checkpoint_ends_the_demo_with_one_line_and_no_database(tmp_path):
    done = run_demo(tmp_path, DEMO_CHECKPOINT=str(tmp_path / "nowhere"), PORT=str(free()))
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "nowhere is missing" in done.stderr
    assert not (tmp_path / "var").exists()


def test_a_site_that_runs_on_the_folder_already_is_named(tmp_path):
    (tmp_path / "supervisord.pid").write_text("999999999\n")
    checks.check_alone(tmp_path)
    config = str(tmp_path / "supervisord.conf")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", config]) as process:
        (tmp_path / "supervisord.pid").write_text(f"{process.pid}\n")
        with pytest.raises(DemoError, match=f"end it with kill {process.pid}"):
            checks.check_alone(tmp_path)
        process.kill()
