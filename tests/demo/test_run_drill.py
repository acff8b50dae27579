"""The kill drill's own reckoning: what was killed when, and whether the round bore it."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace

import psutil
import pytest

from demo import drill
from demo.drill import VICTIMS, Kill, Killer, command_of, durations, kills_by_stage

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def stage(name: str, begin_s: float, end_s: float | None, take: int = 1) -> dict:
    times = [(NOON + timedelta(seconds=s)).isoformat() if s is not None else None for s in (begin_s, end_s)]
    return {
        "stage": name,
        "take": take,
        "opened_at": times[0],
        "ended_at": times[1],
        "seconds": (end_s or 0) - begin_s,
        "status": "done" if end_s else "running",
    }


def test_kills_are_counted_in_the_stage_that_was_open_by_its_own_times():
    found = {"stages": [stage("diagnose", 0, 10), stage("report", 10, 11), stage("generate", 11, 20)]}
    found["stages"].append(stage("generate", 20, 25, take=2))
    kills = [Kill(NOON + timedelta(seconds=s), "web") for s in (1, 9, 12, 22, 99)]
    assert kills_by_stage(found, kills) == {"diagnose": 2, "report": 0, "generate": 2}
    assert durations(found) == {"diagnose": 10, "report": 1, "generate": 9}


@pytest.fixture
def site(tmp_path):
    """A process with children that look like a site's parts, and the logs of its workers."""
    (tmp_path / "log").mkdir()
    for queue in drill.QUEUES:
        (tmp_path / "log" / f"worker-{queue}.log").write_text("[tasks]\n")
    code = (
        "import subprocess, sys, time\n"
        "for words in sys.argv[1:]:\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', *words.split()])\n"
        "time.sleep(60)\n"
    )
    parts = ["-m uvicorn dpe_site.asgi", "worker --queues work", "worker --queues gpu", "beat --schedule x", "redis"]
    process = psutil.Process(subprocess.Popen([sys.executable, "-c", code, *parts]).pid)
    deadline = time.monotonic() + 10
    while len(process.children()) < len(parts):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield process
    for one in [*process.children(), process]:
        one.kill()


def living(site: psutil.Process) -> set[str]:
    commands = [command_of(one) for one in site.children()]
    return {name for name, words in VICTIMS.items() if any(words in command for command in commands)}


def until(is_true, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_strike_kills_all_of_a_part_and_nothing_else(site, tmp_path):
    killer = Killer(site, tmp_path, Random(1), {})
    assert living(site) == {"web", "worker", "beat"}
    killer.strike(["worker"])
    until(lambda: living(site) == {"web", "beat"})
    assert [kill.victim for kill in killer.kills] == ["worker", "worker"]
    assert site.is_running() and any("redis" in command_of(one) for one in site.children())


def test_a_person_s_stage_is_struck_before_anybody_acts_and_only_once(site, tmp_path):
    killer = Killer(site, tmp_path, Random(1), {})
    found = {"stages": [stage("approve", 0, None)], "waits_for": "approve"}
    killer.watch(found)
    until(lambda: living(site) == set())
    killer.watch(found)
    assert sorted({kill.victim for kill in killer.kills}) == ["beat", "web", "worker"] and len(killer.kills) == 4


def test_a_stage_is_struck_at_a_random_point_within_its_usual_time(site, tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr(drill.threading, "Timer", lambda wait_s, act, args: waits.append(wait_s) or NoTimer())
    for seed in range(200):
        killer = Killer(site, tmp_path, Random(seed), {"train": 10.0})
        killer.watch({"stages": [stage("train", 0, None)], "waits_for": None})
    firsts = [wait for wait in waits if wait < 8.0]
    assert min(waits) < 1 and max(firsts) > 6 and len(waits) > 300 and len({round(wait, 6) for wait in waits}) > 150


def test_workers_that_have_started_go_in_steps_and_starting_ones_run_freely(site, tmp_path, monkeypatch):
    killer = Killer(site, tmp_path, Random(1), {})
    (work,) = killer.processes("--queues work")
    (gpu,) = killer.processes("--queues gpu")
    halted: list[tuple[bool, bool]] = []
    stopped = psutil.STATUS_STOPPED

    def look(seconds: float) -> None:
        until(lambda: (tmp_path / "free").exists() or work.status() == stopped)
        halted.append((work.status() == stopped, gpu.status() == stopped))

    monkeypatch.setattr(drill, "time", SimpleNamespace(sleep=look))
    killer.step()
    assert halted == [(True, False)] and work.status() != stopped
    (tmp_path / "log" / "worker-work.log").write_text("starting\n")
    (tmp_path / "free").touch()
    killer.step()
    assert halted[1] == (False, False)


class NoTimer:
    """A timer that never goes off."""

    def start(self) -> None:
        """Nothing."""


def test_only_gpu_children_of_this_folder_are_found(site, tmp_path: Path):
    code = ["-c", "import time; time.sleep(60)", "-m", "gpu.answer"]
    ours = subprocess.Popen([sys.executable, *code, str(tmp_path / "runs")])
    others = subprocess.Popen([sys.executable, *code, "/elsewhere/runs"])
    killer = Killer(site, tmp_path, Random(1), {})
    try:
        until(lambda: [p.pid for p in killer.processes(VICTIMS["gpu child"])] == [ours.pid])
    finally:
        ours.kill()
        others.kill()
