"""A run of 500 slots whose worker is killed with -9 fifty times, against one that nobody disturbs.

The whole chain on PostgreSQL: agents, quality control, difficulty (a stand-in of the model), as many waves as refills
allow, the dataset. ``unexplained``: slots that are neither filled nor given up with a reason. ``paid_twice``: keys
that the server answered again after their answer was stored, by the server's own log against what the database held
at each kill. ``duplicates``: samples, tries or pictures twice. ``same_manifest``: both datasets are the same.
Beside them: ``repeated`` keys that were under way at a kill and asked again, of which ``shown`` are marked so in the
ledger, and ``retries`` of jobs that had lost three workers.
"""

import argparse
import json
import os
import random
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.endpoint_server import Server, server_open
from bench.generation_chain import Chain, Worker
from bench.generation_world import django_start, mixture_made, pictures_write, scratch

KILLS, SLOTS = int(os.environ.get("BENCH_KILLS", "50")), int(os.environ.get("BENCH_SLOTS", "500"))
LATENCY_S, WIDTH, REFILLS = 0.2, 32, 2
EACH, LAST = 2, "dataset_build"
PICTURES_A_SLOT = 5


@dataclass
class Audit:
    """The server's log against the database, at every kill and at the end."""

    server: Server
    campaign: Any
    stored: set[str] = field(default_factory=set)
    read: int = 0
    twice: int = 0

    def look(self) -> None:
        """Count new lines whose answer was stored before, or that one worker was given twice."""
        lines = self.server.lines()
        new = lines[self.read :]
        given = Counter(line for line in new if not line.startswith("-"))
        self.twice += sum(line.lstrip("-") in self.stored for line in new)
        self.twice += sum(times - 1 for times in given.values())
        calls = self.campaign.calls.filter(status="answered", tool="")
        self.stored = set(calls.values_list("idempotency_key", flat=True))
        self.read = len(lines)

    @property
    def repeated(self) -> set[str]:
        """Keys that the server answered more than once, heard or not."""
        counts = Counter(line.lstrip("-") for line in self.server.lines())
        return {key for key, times in counts.items() if times > 1}


@dataclass
class Killer:
    """Kills the worker at random points of its jobs; ``calm`` are the seconds of each, undisturbed.

    Every job gets ``EACH`` kills and its share of the others by its length; what a job leaves over, the next one gets.
    """

    worker: Worker
    audit: Audit
    calm: dict[tuple[str, int], float]
    rng: random.Random
    planned: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    _due: float = 0.0
    _life: tuple[int, int] = (0, 0)
    _job: int = 0

    def tick(self, job: Any) -> None:
        """Draw a time when a worker takes the job, strike when it has come."""
        usual_s = self.calm.get((job.kind, job.spec["take"]))
        if not usual_s or job.status != "running" or job.lease_pid != self.worker.pid:
            return
        share = EACH + (KILLS - EACH * len(self.calm)) * usual_s / sum(self.calm.values())
        if self._job != job.pk:
            self._job, self.planned = job.pk, KILLS if job.kind == LAST else self.planned + int(share)
        if self._life != (job.pk, job.attempt):
            self._life = (job.pk, job.attempt)
            self._due = time.monotonic() + self.rng.random() * 2 * usual_s / (1 + share)
        if self.kills.total() < min(self.planned, KILLS) and time.monotonic() >= self._due:
            self.strike(job)

    def strike(self, job: Any) -> None:
        """Kill the worker and look what it left."""
        self.worker.kill()
        self.audit.look()
        self.kills[job.kind] += 1
        print(f"kill {self.kills.total()} in {job.kind} {job.spec['take']}", file=sys.stderr)


def main() -> None:
    """Play both, print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1, help="of the kills")
    seed = parser.parse_args().seed
    with scratch() as folder:
        django_start(migrate=True)
        pictures = pictures_write(PICTURES_A_SLOT * SLOTS)
        mixtures = []
        with server_open(folder, LATENCY_S, world=True) as server:
            calm, _, mixture = play(folder, pictures, server)
            mixtures.append(mixture)
        with server_open(folder, LATENCY_S, world=True) as server:
            wild, killer, mixture = play(folder, pictures, server, calm.seconds, seed)
            mixtures.append(mixture)
            print(json.dumps(figures(mixtures, killer, wild)))


def play(
    folder: Path, pictures: Any, server: Server, calm: dict[tuple[str, int], float] | None = None, seed: int = 0
) -> tuple[Chain, Killer, Any]:
    """One run to its dataset, with kills when it is known how long a calm one takes."""
    for name in ("runs", "datasets"):  # nothing is found ready from the other run
        shutil.rmtree(folder / name, ignore_errors=True)
    generation = {"max_refills": REFILLS, "min_accept_share": 0.2, "concurrency": 2 * WIDTH}
    mixture = mixture_made(pictures, server.url, SLOTS, WIDTH, **generation)
    worker = Worker(folder / f"worker-{mixture.pk}.log")
    audit = Audit(server, mixture.campaign)
    killer = Killer(worker, audit, calm or {}, random.Random(seed))
    chain, started = Chain(mixture, worker, killer.tick), time.monotonic()
    try:
        chain.play()
    finally:
        worker.kill()
    audit.look()
    mixture.refresh_from_db()
    print(f"{time.monotonic() - started:.0f} s, kills {dict(killer.kills)}, {chain.seconds}", file=sys.stderr)
    return chain, killer, mixture


def figures(mixtures: list[Any], killer: Killer, wild: Chain) -> dict[str, Any]:
    """What the disturbed run shows."""
    mixture, repeated = mixtures[-1], killer.audit.repeated
    explained = mixture.slots.filter(status="filled") | mixture.slots.filter(status="given_up").exclude(reason="")
    resent = mixture.campaign.calls.filter(num_sent__gt=1)
    return {
        "kills": sum(killer.kills.values()),
        "slots": mixture.slots.count(),
        "unexplained": mixture.slots.count() - explained.count(),
        "paid_twice": killer.audit.twice,
        "duplicates": duplicates(mixture),
        "same_manifest": len({one.dataset.manifest_hash for one in mixtures}) == 1,
        "samples": mixture.dataset.num_samples,
        "calls": mixture.campaign.calls.filter(tool="").count(),
        "repeated": len(repeated),
        "shown": len(repeated & set(resent.values_list("idempotency_key", flat=True))),
        "retries": wild.retries,
        "kills_by_stage": dict(killer.kills),
    }


def duplicates(mixture: Any) -> int:
    """Samples of the dataset, tries, and pictures of whole samples that are there more than once."""
    from datagen.models import Sample

    samples = Sample.objects.filter(slot__mixture=mixture)
    lists = [
        [row[0] for row in mixture.dataset.manifest["samples"]],
        list(samples.values_list("slot__index", "try_ix")),
        list(samples.exclude(question="").values_list("media_id", flat=True)),
    ]
    return sum(len(found) - len(set(found)) for found in lists)


if __name__ == "__main__":
    main()
