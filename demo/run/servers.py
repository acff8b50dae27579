"""Starting the site with the teacher beside it, and stopping both."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from core.domain.files import write_atomic
from demo.run.client import Api, DemoError
from demo.run.plan import ROOT, Plan

START_S = 90.0
PATIENCE_S = 30.0
STOP_S = 30.0
PAUSE_S = 0.2
SUPERVISED = """[program:teacher]
command={command}
directory={root}
autorestart=true
startsecs=0
startretries=1000000
redirect_stderr=true
stdout_logfile={log}
"""


def environment(plan: Plan) -> dict[str, str]:
    """What every process of the demo sees."""
    return {**os.environ, "PORT": str(plan.port), "DPE_VAR": str(plan.var), "DPE_IMPORT_ROOTS": str(plan.imports)}


def manage(plan: Plan, *arguments: str) -> str:
    """One command of manage.py; what it printed."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment(plan), capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"manage.py {arguments[0]}: {(done.stderr.strip() or 'failed').splitlines()[-1]}")
    return done.stdout


def person(plan: Plan) -> dict[str, str]:
    """The user ``demo``: a one-time ``login_path``, the first time a ``password``, and the ``token`` if one is kept."""
    said: dict[str, str] = json.loads(manage(plan, "user_create", "demo", "--login-link"))
    kept = token_file(plan)
    return {**said, "token": kept.read_text() if kept.exists() else ""}


def api_open(plan: Plan, token: str) -> Api:
    """The REST door with a token that the site knows; a new one is kept for the next time."""
    api = Api(plan.base, token or "none")
    if api.is_known():
        return api
    fresh: str = json.loads(manage(plan, "user_create", "demo", "--token"))["token"]
    write_atomic(token_file(plan), fresh)
    token_file(plan).chmod(0o600)
    return Api(plan.base, fresh)


def token_file(plan: Plan) -> Path:
    """Where the demo keeps its token, readable by its owner only."""
    return plan.folder / "token"


def teacher_command(plan: Plan, log: Path) -> list[str]:
    """How the teacher is started."""
    facts = ["--port", str(plan.teacher_port), "--seed", str(plan.seed), "--log", str(log)]
    facts += ["--latency-ms", str(plan.latency_ms)]
    return [sys.executable, "-m", "demo.teacher", *facts]


def try_teacher(plan: Plan) -> None:
    """Start the teacher for a moment, before anything is written: a DemoError when it does not answer."""
    if plan.endpoint:
        return
    (plan.var / "log").mkdir(parents=True, exist_ok=True)
    scratch = plan.folder / "teacher.trial.jsonl"
    with (plan.var / "log" / "teacher.log").open("ab") as out:
        process = subprocess.Popen(teacher_command(plan, scratch), cwd=ROOT, stdout=out, stderr=out)
        try:
            wait_for(f"{plan.agents}/models", process, PATIENCE_S)
        finally:
            process.kill()
            process.wait()
            scratch.unlink(missing_ok=True)


def supervised(plan: Plan) -> Path:
    """The file that puts the teacher under the site's supervisor."""
    extra = plan.folder / "teacher.conf"
    command = shlex.join(teacher_command(plan, plan.bills)).replace("%", "%%")
    log = str(plan.var / "log" / "teacher.log").replace("%", "%%")
    write_atomic(extra, SUPERVISED.format(command=command, root=ROOT, log=log))
    return extra


@contextmanager
def serving(plan: Plan) -> Iterator["subprocess.Popen[bytes]"]:
    """The supervisor of the site, and of the teacher unless there is another endpoint, while both answer."""
    (plan.var / "log").mkdir(parents=True, exist_ok=True)
    extra = [] if plan.endpoint else ["--extra", str(supervised(plan))]
    command = [sys.executable, "-m", "dpe_site.serve", *extra]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(plan), start_new_session=True)
    try:
        for address in (f"{plan.base}/healthz", f"{plan.agents}/models"):
            wait_for(address, process, START_S)
        yield process
    finally:
        stop(process)


def wait_for(address: str, process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Return when ``address`` answers 200."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(address, timeout=5).status_code == httpx.codes.OK:
                return
        time.sleep(PAUSE_S)
    raise DemoError(f"{address} does not answer; see the logs in var/log.")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End the supervisor and all that it runs."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
