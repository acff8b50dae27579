"""Every command in README and docs is run: each page's ``console`` blocks as one shell session, against a real site.

What would take too long here is run in part, and only this: ``make`` says what it would do (``make -n``); benchmarks
and the demo's modules are imported (the demo itself is played by tests/demo); servers are started and must stay up.
"""

import json
import os
import re
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.M | re.S)
OTHER = re.compile(r"^```(?:sh|bash|shell)\b", re.M)
PRELUDE = """set -euo pipefail
make() { command make -n "$@" > /dev/null; }
curl() { command curl --fail-with-body --silent --show-error "$@"; }
"""
# In the place of .venv/bin/python: what runs for hours or for ever runs in part.
PYTHON = """#!/bin/bash
case "${1:-} ${2:-}" in
  "-m bench."*|"-m demo."*) exec REAL -c "import importlib; importlib.import_module('$2')" ;;
  "-m uvicorn"|"-m celery"|"-m dpe_site.serve") timeout --signal=INT 6 REAL "$@"; test $? = 124 ;;
  *) exec REAL "$@" ;;
esac
"""


def commands(page: Path) -> str:
    """The page's commands: lines behind ``$``, with the lines that a backslash or a quotation continues."""
    lines = [line for block in BLOCK.findall(page.read_text()) for line in block.splitlines()]
    script: list[str] = []
    for line in lines:
        if line.startswith("$ "):
            script.append(line[2:])
        elif script and script[-1].endswith("\\"):
            script.append(line.removeprefix("> "))
    return "\n".join(script)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[dict[str, str]]:
    """A served site with the demo's campaign; the environment of its commands."""
    folder = tmp_path_factory.mktemp("site")
    var, port = folder / "var", free_port()
    environment = {**os.environ, "DPE_VAR": str(var), "DATABASE_URL": "", "PORT": str(port), "PYTHONPATH": str(ROOT)}
    environment |= {"DPE_IMPORT_ROOTS": str(var / "imports"), "FOLDER": str(folder)}
    (var / "imports").mkdir(parents=True)
    run = {"cwd": ROOT, "env": environment, "check": True, "capture_output": True, "text": True}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], **run)
    filled = subprocess.run([sys.executable, "-m", "tests.docs.fill"], **run)
    environment["TOKEN"] = json.loads(filled.stdout.splitlines()[-1])["token"]
    server = [
        sys.executable,
        "-m",
        "uvicorn",
        "dpe_site.asgi:application",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    with subprocess.Popen(server, cwd=ROOT, env=environment) as process:
        wait_for(port)
        yield environment
        process.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nobody listens on {port}")


@pytest.fixture
def workplace(site, tmp_path) -> Path:
    """A folder that looks like a checkout, with a Python that runs long things in part."""
    for path in ROOT.iterdir():
        if path.name not in (".venv", "var", ".git"):
            (tmp_path / path.name).symlink_to(path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON.replace("REAL", sys.executable))
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    (python.parent.parent / ".installed").touch()
    return tmp_path


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem)
def test_every_command_on_the_page_works(page, site, workplace):
    script = PRELUDE + commands(page).replace("127.0.0.1:8000", f"127.0.0.1:{site['PORT']}")
    command = ["bash", "-c", script]
    done = subprocess.run(command, cwd=workplace, env=site, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"


def test_no_command_hides_in_a_block_of_another_name():
    assert {page.name for page in PAGES if OTHER.search(page.read_text())} == set()


def test_a_command_that_fails_is_seen(site, workplace):
    script = (
        PRELUDE
        + f"curl http://127.0.0.1:{site['PORT']}/api/v1/campaigns/none -H 'Authorization: Token {site['TOKEN']}'"
    )
    assert subprocess.run(["bash", "-c", script], cwd=workplace, env=site, capture_output=True, check=False).returncode
