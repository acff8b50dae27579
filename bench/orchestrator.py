"""Generation on slots against its limits: PostgreSQL, a local server of fixed latency, the client part of it all.

``of_ideal_N``: calls a second of the whole generation job at concurrency N over N / latency (32 at 200 ms, 256 at
2 s). ``of_bare_client``: the same over the same client that stores nothing (the same slots, agents, pictures and
requests, sent by the same code); the two take turns, the median over turns, the worse of both concurrencies.
``against_threads``: over a plain loop of the same calls in ten threads, at 32. ``stored_calls`` are answered rows,
``made_calls`` what the server counted for them.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.endpoint_server import Server, server_open
from bench.generation_world import django_start, mixture_made, pictures_write, scratch

TURNS = int(os.environ.get("BENCH_TURNS", "3"))
SCENES = ((32, 0.2, 1024), (256, 2.0, 2048))  # concurrency, latency in seconds, slots
THREADS, THREAD_SLOTS = 10, 100


@dataclass
class Scene:
    """One concurrency with what was measured at it: calls a second by arm."""

    width: int
    latency_s: float
    slots: int
    rates: dict[str, list[float]] = field(default_factory=lambda: {"ours": [], "bare": [], "threads": []})
    stored: int = 0
    made: int = 0

    @property
    def in_work(self) -> int:
        """Slots in work at once: twice as many as calls, so that there is always one to send."""
        return 2 * self.width

    @property
    def of_ideal(self) -> float:
        """Ours over the most that the latency allows."""
        return statistics.median(self.rates["ours"]) / (self.width / self.latency_s)

    @property
    def of_bare(self) -> float:
        """Ours over the bare client's in the same turn."""
        pairs = zip(self.rates["ours"], self.rates["bare"], strict=True)
        return statistics.median(ours / bare for ours, bare in pairs)


def main() -> None:
    """Measure, print the figures."""
    with scratch() as folder:
        django_start(migrate=True)
        scenes = [Scene(*scene) for scene in SCENES]
        for scene in scenes:
            measure(scene, folder)
    narrow, wide = scenes
    figures: dict[str, float] = {f"of_ideal_{scene.width}": round(scene.of_ideal, 3) for scene in scenes}
    figures["of_bare_client"] = round(min(narrow.of_bare, wide.of_bare), 3)
    ours, threads = (statistics.median(narrow.rates[arm]) for arm in ("ours", "threads"))
    figures["against_threads"] = round(ours / threads, 2)
    figures |= {"stored_calls": narrow.stored + wide.stored, "made_calls": narrow.made + wide.made}
    print(json.dumps(figures))


def measure(scene: Scene, folder: Path) -> None:
    """All turns of one scene."""
    pictures = pictures_write(2 * scene.slots)
    with server_open(folder, scene.latency_s) as server:
        for turn in range(TURNS):
            arms = ["ours", "bare"] if turn % 2 else ["bare", "ours"]
            for arm in arms + (["threads"] if scene.width == 32 else []):
                slots = THREAD_SLOTS if arm == "threads" else scene.slots
                mixture = mixture_made(pictures, server.url, slots, scene.width, concurrency=scene.in_work)
                take_turn(scene, arm, mixture, server)


def take_turn(scene: Scene, arm: str, mixture: Any, server: Server) -> None:
    """One arm once."""
    before = server.counts()["answered"]
    used = time.process_time()
    seconds = {"ours": ours, "bare": bare, "threads": threads}[arm](mixture)
    used = time.process_time() - used
    counts = server.counts()
    calls = counts["answered"] - before
    if counts["most"] > scene.width:
        raise RuntimeError(f"{arm} had {counts['most']} calls under way")
    if arm == "ours":
        scene.stored += mixture.campaign.calls.filter(status="answered", tool="").count()
        scene.made += calls
    scene.rates[arm].append(calls / seconds)
    print(f"{arm} at {scene.width}: {calls} calls, {calls / seconds:.1f} a second, ", end="", file=sys.stderr)
    print(
        f"at most {counts['most']} at once, {1000 * used / calls:.1f} ms of processor a call, ", end="", file=sys.stderr
    )
    print(f"load {os.getloadavg()[0]:.1f}", file=sys.stderr)


def ours(mixture: Any) -> float:
    """Seconds of the generation job, from its claim to its end."""
    from datagen.handlers import generate_job
    from tests.datagen.rows import make_context_for

    context = make_context_for(mixture.campaign, "generate", mixture_id=mixture.pk, take=1)
    started = time.perf_counter()
    counts = generate_job(context)
    seconds = time.perf_counter() - started
    if counts != {"written": mixture.total, "rejected": 0}:
        raise RuntimeError(f"{counts} of {mixture.total}")
    return seconds


def bare(mixture: Any) -> float:
    """Seconds of the same slots by the same client, which remembers nothing; rows are read before the clock starts."""
    from bench.bare_generation import Bare

    arm = Bare.of(mixture)
    started = time.perf_counter()
    asyncio.run(arm.write_all())
    return time.perf_counter() - started


def threads(mixture: Any) -> float:
    """Seconds of a plain loop over slots in ten threads."""
    from bench.bare_generation import Plain

    arm = Plain.of(mixture)
    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(arm.write_one, arm.errands))
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
