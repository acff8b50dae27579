"""Curves that come in at 10,000 points a minute while pages are asked: ``{"rows_per_minute", "page_p95_ms"}``.

A writer appends a step's points to a run's ``metrics.jsonl`` at that pace and copies them into rows as a worker does
while it trains; meanwhile this process asks the run's page, its live part, its prompts and its round in turn, through
all middleware. The p95 is over all of them. The run has made ``--steps`` steps before. All lies in a temporary folder
on SQLite; with DATABASE_URL in that database, which must be an empty one to be thrown away.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROWS_PER_MINUTE, ROWS_A_STEP = 10_000, 150
STEP_S = 60 * ROWS_A_STEP / ROWS_PER_MINUTE


def main() -> None:
    """Make the rows, start the writer, ask pages, print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--write", default="", help="used by itself: the run's id, as the writer")
    choice = parser.parse_args()
    if choice.write:
        set_up()
        write(int(choice.write), choice.seconds, choice.steps)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DPE_VAR": folder, "DPE_DEBUG": "0"}
        set_up()
        print(json.dumps(measure(choice.seconds, choice.steps)))


def set_up() -> None:
    """Django on its settings."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "dpe_site.settings"
    django.setup()


def measure(seconds: float, steps: int) -> dict[str, Any]:
    """Pages asked while the writer writes."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from tests.pages.rows import make_full_campaign, make_round

    campaign = make_full_campaign()
    make_round(campaign, "train", num_steps=steps)
    run = campaign.training_runs.get()
    before = run.metrics.count()
    command = [sys.executable, "-m", "bench.metric_ingest", "--write", str(run.pk), "--seconds", str(seconds)]
    writer = subprocess.Popen([*command, "--steps", str(steps)], cwd=ROOT)
    times, spent = ask_while(writer, campaign, run)
    if writer.wait():
        raise RuntimeError("the writer failed")
    rows = run.metrics.count() - before
    p95 = statistics.quantiles(times, n=20)[-1]
    return {"rows_per_minute": round(60 * rows / spent), "page_p95_ms": round(1000 * p95, 1), "pages": len(times)}


def ask_while(writer: "subprocess.Popen[bytes]", campaign: Any, run: Any) -> tuple[list[float], float]:
    """Seconds of every page until the writer ends, and how long it wrote."""
    from django.test import Client

    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(campaign.created_by)
    page = f"/campaigns/{campaign.slug}/training/{run.pk}/"
    live = {"HX-Request": "true", "HX-Target": "training-live"}
    asked: list[tuple[str, dict[str, str]]] = [
        (page, {}), (page, live), (f"{page}prompts/", {}), (f"/campaigns/{campaign.slug}/rounds/1/", {}),
    ]  # fmt: skip
    for address, headers in asked:
        client.get(address, headers=headers)
    times: list[float] = []
    started = time.perf_counter()
    while writer.poll() is None:
        address, headers = asked[len(times) % len(asked)]
        began = time.perf_counter()
        answer = client.get(address, headers=headers)
        times.append(time.perf_counter() - began)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}")
        time.sleep(0.05)
    return times, time.perf_counter() - started


def write(pk: int, seconds: float, steps: int) -> None:
    """A child's file that grows step by step, and the worker that copies it."""
    from core.jobs.context import JobContext
    from core.specs import METRICS_FILE
    from training.models import TrainingRun
    from training.services.metrics import MetricStream

    run = TrainingRun.objects.select_related("campaign").get(pk=pk)
    job = run.campaign.jobs.get(kind="train", status="running")
    stream = MetricStream(JobContext(job), run)
    with tempfile.TemporaryDirectory() as folder:
        until = time.monotonic() + seconds
        following, step = time.monotonic(), steps
        while time.monotonic() < until:
            step += 1
            with (Path(folder) / METRICS_FILE).open("a") as file:
                file.writelines(points(step))
            stream(Path(folder))
            following += STEP_S
            time.sleep(max(0.0, following - time.monotonic()))


def points(step: int) -> list[str]:
    """One step's lines: the alarms' curves, and others by skill."""
    own = ["reward", "kl", "entropy", "frac_reward_zero_std", "completions/mean_length"]
    named = [(name, "") for name in own] + [(f"metric-{n}", f"skill {n % 11}") for n in range(ROWS_A_STEP - len(own))]
    return [json.dumps({"step": step, "name": n, "skill": s, "value": 0.5 + step % 7 / 100}) + "\n" for n, s in named]


if __name__ == "__main__":
    main()
