"""The whole small round, as ``make demo`` plays it, in a folder and a database of its own."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from demo.teacher.bill import paid_twice, read_bills

ROOT = Path(__file__).resolve().parents[2]
STAGES = (
    *("diagnose", "report", "mixture", "approve", "generate", "quality"),
    *("difficulty", "dataset", "train", "evaluate", "gate"),
)
LIMIT_S = 480


def free_ports() -> list[str]:
    probes = [socket.socket() for _ in range(2)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [str(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture
def own_database() -> Iterator[str]:
    """A database on the server that the tests run on; SQLite in the demo's own folder needs none."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield ""
        return
    name = f"small_round_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.timeout(LIMIT_S + 20)
def test_small_rounds_end_unattended_with_a_report_decisions_and_no_process_left(tmp_path, own_database):
    """Two rounds on the embedded default, where the second starts from what the first left; one on PostgreSQL."""
    num_rounds = 1 if own_database else 2
    port, teacher_port = free_ports()
    environment = {
        **os.environ,
        "DPE_VAR": str(tmp_path),
        "DATABASE_URL": own_database,
        "REDIS_URL": os.environ.get("REDIS_URL", "") if own_database else "",
        "PORT": port,
        "DEMO_TEACHER_PORT": teacher_port,
        "DEMO_SMALL": "1",
        "DEMO_EXIT": "1",
        "DEMO_ROUNDS": str(num_rounds),
        "DPE_IMPORT_ROOTS": "",
    }
    command = [sys.executable, "-m", "demo.run"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    entries = json.loads((tmp_path / "demo" / "report.json").read_text())["rounds"]
    assert [entry["number"] for entry in entries] == list(range(1, num_rounds + 1))
    for entry in entries:
        assert entry["decision"] in ("promoted", "rejected") and set(STAGES) <= set(entry["stage_seconds"])
        assert sum(entry["stage_seconds"].values()) == pytest.approx(entry["seconds"], rel=0.05, abs=0.3)
        assert len(entry["suites"]) == 11 and sum(suite["planted"] for suite in entry["suites"].values()) == 3
        assert entry["samples"]["accepted"] > 0 and 0 < entry["peak_rss_mb"] < 2048
    assert len(list((tmp_path / "datasets").glob("*.json"))) == num_rounds
    if not own_database:
        assert_rounds_follow_each_other(tmp_path / "dpe.sqlite3")
    assert paid_twice(list(read_bills(tmp_path / "demo" / "teacher.jsonl"))) == {}
    assert f"http://127.0.0.1:{port}/campaigns/mini-world-small/rounds/1/" in done.stdout
    assert "one-time login link: http://127.0.0.1:" in done.stdout
    assert (tmp_path / "demo" / "token").stat().st_mode & 0o777 == 0o600
    for free in (port, teacher_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", int(free))) != 0


def assert_rounds_follow_each_other(database: Path) -> None:
    """Each round starts from the last one's child where that was promoted, else from its parent."""
    with sqlite3.connect(database) as reader:
        rounds = reader.execute("SELECT parent_id, child_id, decision FROM training_round ORDER BY number").fetchall()
    left = [child if decision == "promoted" else parent for parent, child, decision in rounds]
    assert [parent for parent, _, _ in rounds[1:]] == left[:-1]
