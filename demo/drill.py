"""``python -m demo.drill``: kill everything in every stage of a round, and get the very same dataset.

A small round is played twice with one seed, each time on a fresh folder: undisturbed, then while web, workers, beat,
GPU child and teacher are killed with -9 at random points of each stage. The datasets' manifests must be equal, and
the teacher's own log must show no key that was billed twice.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import psutil

from demo.run.checks import check_all
from demo.run.client import DemoError, Json
from demo.run.plan import SMALL, Plan, plan_read
from demo.run.rounds import Player, round_open
from demo.run.seeding import seed_campaign
from demo.run.servers import api_open, manage, person, serving
from demo.run.world_files import write_world
from demo.teacher.bill import paid_twice, read_bills

VICTIMS = {
    "web": "uvicorn dpe_site",
    "worker": "--queues",
    "beat": "beat --schedule",
    "gpu child": "-m gpu.",
    "teacher": "-m demo.teacher",
}
TRIES, LOOK_S = 20, 0.02
LATEST, LATEST_SHORT = 0.8, 0.4  # of a stage's undisturbed time: a kill should come before its end
MOST_WAIT_S = 20.0
QUEUES = ("work", "agents")
BOOTED = "[tasks]"
SHORT_S = 5.0
MOST_ROUNDS = 3
RUN_S, HALT_S = 0.015, 0.06
LATENCY_MS = 200  # of the teacher, so that calls are under way when somebody is killed


@dataclass(frozen=True)
class Kill:
    """What was killed when."""

    at: datetime
    victim: str


@dataclass
class Killer:
    """Kills everything of one site once a stage, at a random point, and now and then one part more.

    ``seconds`` are the stages' undisturbed durations. Parts that a stage does not have are passed over.
    """

    site: psutil.Process
    var: Path
    rng: Random
    seconds: dict[str, float]
    kills: list[Kill] = field(default_factory=list)
    _seen: set[tuple[str, int]] = field(default_factory=set)
    _logged: dict[str, int] = field(default_factory=dict)

    def watch(self, found: Json) -> None:
        """Look at the round; a stage that now runs gets its kills: a person's at once, before anybody acts."""
        stage = found["stages"][-1]
        key = (stage["stage"], stage["take"])
        if key not in self._seen and (stage["status"] == "running" or found["waits_for"]):
            self._seen.add(key)
            self.plan_kills(stage["stage"], is_a_persons=bool(found["waits_for"]))

    def plan_kills(self, stage: str, *, is_a_persons: bool) -> None:
        """Draw when to strike a stage that was just seen."""
        usual_s = self.seconds.get(stage, 0.0)
        latest_s = usual_s * (LATEST_SHORT if usual_s < SHORT_S else LATEST)
        wait_s = min(MOST_WAIT_S, latest_s) * self.rng.random()
        second = self.rng.choice([*VICTIMS, None])
        if is_a_persons:
            self.strike(list(VICTIMS))
            return
        threading.Timer(wait_s, self.strike, [list(VICTIMS)]).start()
        if second:
            threading.Timer(wait_s * (1 + self.rng.random()), self.strike, [[second]]).start()

    def step(self) -> None:
        """Halt the workers of short jobs for a moment; those that are starting run freely."""
        booted = [one for queue in QUEUES for one in self.processes(f"--queues {queue}") if self.is_booted(queue)]
        signal_all(booted, signal.SIGSTOP)
        time.sleep(HALT_S)
        signal_all(booted, signal.SIGCONT)

    def is_booted(self, queue: str) -> bool:
        """Whether a queue's worker has said what it runs since it was last killed."""
        with self.log(queue).open() as file:
            file.seek(self._logged.get(queue, 0))
            return BOOTED in file.read()

    def log(self, queue: str) -> Path:
        """What a queue's worker says."""
        return self.var / "log" / f"worker-{queue}.log"

    def strike(self, victims: list[str]) -> None:
        """Kill these, in random order."""
        self.rng.shuffle(victims)
        for victim in victims:
            if victim == "worker":
                self._logged = {queue: self.log(queue).stat().st_size for queue in QUEUES}
            for process in self.processes(VICTIMS[victim]):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
                    self.kills.append(Kill(datetime.now(UTC), victim))

    def processes(self, words: str) -> list[psutil.Process]:
        """The site's processes whose command line holds ``words``; GPU children are in sessions of their own."""
        own = self.site.children()
        if words == VICTIMS["gpu child"]:
            own = [one for one in psutil.process_iter() if str(self.var) in command_of(one)]
        return [one for one in own if words in command_of(one)]


def command_of(process: psutil.Process) -> str:
    """Its command line; empty when it has ended or is another's."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def stepped(killer: Killer) -> Iterator[None]:
    """Let the workers of short jobs go in small steps, so that no stage begins and ends between two looks."""
    over = threading.Event()

    def steps() -> None:
        while not over.wait(RUN_S):
            killer.step()

    thread = threading.Thread(target=steps, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def signal_all(processes: list[psutil.Process], what: signal.Signals) -> None:
    """Signal those that still run."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(what)


@dataclass(frozen=True)
class Played:
    """A round that was played to its end: as REST shows it, its dataset's manifest, what the teacher billed twice."""

    found: Json
    manifests: frozenset[str]
    num_bills: int
    num_twice: int


def play(plan: Plan, seconds: dict[str, float] | None, rng: Random) -> tuple[Played, list[Kill]]:
    """Play one small round; with ``seconds`` (its stages' usual durations) it is disturbed."""
    check_all(plan)
    write_world(plan, lambda done, total: None)
    manage(plan, "migrate", "--verbosity", "0")
    visitor = person(plan)
    with serving(plan) as server:
        api = api_open(plan, visitor["token"])
        seed_campaign(plan, api, lambda name, job: None)
        killer = Killer(psutil.Process(server.pid), plan.var, rng, seconds or {})
        number = round_open(plan, api)
        watch = killer.watch if seconds else lambda found: None
        with stepped(killer) if seconds else nullcontext():
            found = Player(plan, api, number, watch, say, TRIES, poll_s=LOOK_S).play()
    bills = list(read_bills(plan.bills))
    manifests = frozenset(path.stem for path in (plan.var / "datasets").glob("*.json"))
    return Played(found, manifests, len(bills), len(paid_twice(bills))), killer.kills


def kills_by_stage(found: Json, kills: list[Kill]) -> dict[str, int]:
    """How many kills fell into each stage, by its own times."""
    counts: Counter[str] = Counter({stage["stage"]: 0 for stage in found["stages"]})
    for stage in found["stages"]:
        begun, ended = (datetime.fromisoformat(stage[name]) for name in ("opened_at", "ended_at"))
        counts[stage["stage"]] += sum(begun <= kill.at <= ended for kill in kills)
    return dict(counts)


def durations(found: Json) -> dict[str, float]:
    """Seconds of each stage's longest take."""
    seconds: dict[str, float] = {}
    for stage in found["stages"]:
        seconds[stage["stage"]] = max(stage["seconds"], seconds.get(stage["stage"], 0.0))
    return seconds


def say(words: str) -> None:
    """A line for the terminal; standard output is for the result alone."""
    print(words, file=sys.stderr, flush=True)


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def on_fresh_folder(plan: Plan, root: Path, name: str) -> Plan:
    """The same plan in a folder and on ports of its own."""
    port, teacher_port = free_ports()
    return replace(plan, var=root / name, port=port, teacher_port=teacher_port, sizes=SMALL, latency_ms=LATENCY_MS)


def drill(plan: Plan, root: Path, seed: int) -> Json:
    """A calm round and a wild one, and what they show; another wild one while a stage was over before its kill."""
    say("a round undisturbed")
    calm, _ = play(on_fresh_folder(plan, root, "calm"), None, Random(seed))
    say(f"{calm.found['decision']} after {calm.found['seconds']:.0f} s; the same with kills")
    stages: Counter[str] = Counter()
    wild: list[Played] = []
    while len(wild) < MOST_ROUNDS and not (stages and all(stages.values())):
        folder = on_fresh_folder(plan, root, f"wild-{len(wild)}")
        played, kills = play(folder, durations(calm.found), Random(f"{seed}-{len(wild)}"))
        wild.append(played)
        stages.update(kills_by_stage(played.found, kills))
        say(f"{played.found['decision']} after {played.found['seconds']:.0f} s, kills by stage: {dict(stages)}")
    return {
        "kills": sum(stages.values()),
        "stages": dict(stages),
        "same_manifest": len(calm.manifests) == 1 and all(one.manifests == calm.manifests for one in wild),
        "paid_twice": sum(one.num_twice for one in wild),
        "paid_more": sum(one.num_bills - calm.num_bills for one in wild),
    }


def main() -> None:
    """Play, print one line of JSON, exit 1 when something was lost, paid twice or not hit."""
    parser = argparse.ArgumentParser(prog="python -m demo.drill", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the kills")
    parser.add_argument("--keep", action="store_true", help="keep the folders of both rounds")
    given = parser.parse_args()
    os.environ.pop("DATABASE_URL", None), os.environ.pop("REDIS_URL", None)
    root = Path(tempfile.mkdtemp(prefix="dpe-drill-"))
    say(f"seed {given.seed}, folder {root}")
    try:
        result = drill(plan_read(), root, given.seed)
    except DemoError as error:
        sys.exit(f"dpe: {error}")
    is_good = result["same_manifest"] and not result["paid_twice"] and all(result["stages"].values())
    if is_good and not given.keep:
        shutil.rmtree(root)
    print(json.dumps(result))
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
