"""A whole small round, as a newcomer starts it: real servers, real agents' calls, real TRL on the mini model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.site.test_serve import free_port

ROOT = Path(__file__).resolve().parents[2]
STAGES = {"diagnose", "report", "mixture", "approve", "generate", "quality", "difficulty", "dataset", "train"}


@pytest.fixture
def own_database(tmp_path):
    """A database of this test's own: a file, or a new database on the server that the suite runs on."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield f"sqlite:///{tmp_path}/round.sqlite3"
        return
    name = f"dpe_round_{os.getpid()}"
    base, _, rest = url.rpartition("/")
    options = rest[rest.index("?") :] if "?" in rest else ""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield f"{base}/{name}{options}"
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def run_demo(var: Path, database: str, **more: str) -> "subprocess.CompletedProcess[str]":
    port = free_port()
    env = {**os.environ, "DPE_VAR": str(var), "DATABASE_URL": database, "REDIS_URL": "", "DEMO_EXIT": "1"}
    env |= {"DEMO_SMALL": "1", "PORT": str(port), "DEMO_TEACHER_PORT": str(free_port()), **more}
    command = [sys.executable, "-m", "demo.run"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=280)


@pytest.mark.timeout(300)
def test_a_whole_small_round_ends_with_a_decision_and_a_report_that_adds_up(tmp_path, own_database):
    done = run_demo(tmp_path, own_database)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    report = json.loads((tmp_path / "demo" / "report.json").read_text())["rounds"]
    entry = report[0]
    assert (len(report), entry["number"], len(entry["suites"])) == (1, 1, 11)
    assert set(entry["stage_seconds"]) >= STAGES | {"evaluate", "gate"}
    assert abs(sum(entry["stage_seconds"].values()) - entry["seconds"]) <= 0.05 * entry["seconds"]
    assert entry["decision"] in ("promoted", "rejected")
    assert 0 < entry["samples"]["accepted"] <= entry["samples"]["slots"]
    assert 0 < entry["peak_rss_mb"] <= 2048
    assert sum(row["planted"] for row in entry["suites"].values()) == 3
    assert "95% interval" in done.stdout and "one-time login link" in done.stdout


def test_a_missing_checkpoint_is_one_line_and_nothing_is_written(tmp_path):
    done = run_demo(tmp_path, f"sqlite:///{tmp_path}/none.sqlite3", DEMO_CHECKPOINT=str(tmp_path / "nowhere"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1 and "nowhere is missing" in done.stderr
    assert not (tmp_path / "none.sqlite3").exists()
