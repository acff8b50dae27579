"""Real processes: what the supervisor starts, it keeps alive, and jobs survive."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def site(tmp_path):
    """A site of its own on SQLite with its own Redis."""
    port = free_port()
    env = {**os.environ, "DPE_VAR": str(tmp_path), "PORT": str(port), "DATABASE_URL": "", "REDIS_URL": ""}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=env, check=True)
    process = subprocess.Popen([sys.executable, "-m", "dpe_site.serve"], cwd=ROOT, env=env)
    yield psutil.Process(process.pid), port, env
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def until(what, seconds: float = 60.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what} did not come true within {seconds} s")


def healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).json() == {"ok": True}
    except httpx.TransportError:
        return False


def of(supervisor: psutil.Process, word: str) -> list[psutil.Process]:
    return [child for child in supervisor.children() if word in command_of(child)]


def command_of(process: psutil.Process) -> str:
    """Its command line; empty once it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_what_is_killed_comes_back_and_the_page_answers_again(site):
    supervisor, port, _ = site
    until(lambda: healthy(port))
    for word in ("uvicorn", "--queues work", "beat --schedule"):
        victim = of(supervisor, word)[0]
        victim.kill()
        until(lambda word=word, pid=victim.pid: [p for p in of(supervisor, word) if p.pid != pid])
    until(lambda: healthy(port))


def test_a_port_in_use_ends_with_one_line_that_says_what_to_do(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = {**os.environ, "DPE_VAR": str(tmp_path), "PORT": str(taken.getsockname()[1]), "DATABASE_URL": ""}
        done = subprocess.run(
            [sys.executable, "-m", "dpe_site.serve"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.strip() == f"dpe: Port {env['PORT']} is in use: set PORT to a free one."


def test_a_bad_variable_ends_with_one_line(tmp_path):
    env = {**os.environ, "DPE_VAR": str(tmp_path), "PORT": "no port"}
    done = subprocess.run(
        [sys.executable, "-m", "dpe_site.serve"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "PORT must be a port number" in done.stderr
