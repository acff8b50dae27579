"""Starting the site with the teacher beside it, and stopping both."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import httpx
import psutil

from core.domain.files import write_atomic
from demo.run.client import DemoError
from demo.run.plan import ROOT, Plan

START_S = 90.0
TEACHER = """[program:teacher]
command={python} -m demo.teacher --port {port} --seed {seed} --log {log}
directory={root}
autorestart=true
startsecs=0
startretries=1000000
redirect_stderr=true
stdout_logfile={out}
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
    """The user ``demo`` with a token (kept for the next time) and a one-time login path."""
    kept = plan.folder / "token"
    flags = [] if kept.exists() else ["--token"]
    said: dict[str, str] = json.loads(manage(plan, "user_create", "demo", "--login-link", *flags))
    if "token" in said:
        write_atomic(kept, said["token"])
        kept.chmod(0o600)
    return {**said, "token": kept.read_text()}


def start(plan: Plan) -> "subprocess.Popen[bytes]":
    """The site and the teacher under one supervisor, once both answer."""
    extra = plan.folder / "teacher.conf"
    log = plan.var / "log"
    log.mkdir(parents=True, exist_ok=True)
    facts = {"python": sys.executable, "port": plan.teacher_port, "seed": plan.seed, "root": ROOT}
    write_atomic(extra, TEACHER.format(**facts, log=plan.folder / "teacher.jsonl", out=log / "teacher.log"))
    command = [sys.executable, "-m", "dpe_site.serve", "--extra", str(extra)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(plan), start_new_session=True)
    try:
        for address in (f"{plan.base}/healthz", f"http://127.0.0.1:{plan.teacher_port}/healthz"):
            wait_for(address, process)
    except BaseException:
        stop(process)
        raise
    return process


def wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    """Return when ``address`` answers 200."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    raise DemoError(f"{address} does not answer; see the logs in var/log.")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End the supervisor and all that it runs."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


class MemoryWatch:
    """Remembers the largest resident memory of any one process below ours."""

    def __init__(self, period_s: float = 1.0) -> None:
        self.peak_mb = 0.0
        self._stop = threading.Event()
        threading.Thread(target=self._watch, args=(period_s,), daemon=True).start()

    def take(self) -> float:
        """The peak since the last call, in MiB."""
        peak, self.peak_mb = self.peak_mb, 0.0
        return round(peak, 1)

    def _watch(self, period_s: float) -> None:
        while not self._stop.wait(period_s):
            sizes = [rss_mb(child) for child in psutil.Process().children(recursive=True)]
            self.peak_mb = max([self.peak_mb, *sizes])


def rss_mb(process: psutil.Process) -> float:
    """Its resident memory; 0 when it has ended."""
    try:
        return float(process.memory_info().rss) / 2**20
    except psutil.Error:
        return 0.0
