"""Server time of every page on the demo's data: ``{"pages", "p95_ms", "worst"}``.

Pages come from the tables of doors that the tests use, so a new page is measured without being named here. Each is
asked ``TIMES`` times in turn with all others, in one process, through all middleware, after one request to warm up;
its p95 is taken, and the largest is ``p95_ms``. DPE_VAR names the data of a played demo; without one, a round is
played first.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TIMES = 40
CAMPAIGN = "mini-world"


def main() -> None:
    """Find or make the data, measure, print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DPE_VAR", str(ROOT / "var"))
        if not (Path(os.environ["DPE_VAR"]) / "demo" / "report.json").exists():
            os.environ["DPE_VAR"] = folder
            play = {**os.environ, "DEMO_EXIT": "1", "PORT": "8970"}
            subprocess.run([sys.executable, "-m", "demo.run"], cwd=ROOT, env=play, check=True, stdout=sys.stderr)
        print(json.dumps(measure(Path(folder))))


def measure(folder: Path) -> dict[str, Any]:
    """The figures over all pages. What doors make to have something behind them is undone."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "dpe_site.settings"
    django.setup()
    from django.conf import settings
    from django.db import transaction

    settings.IMPORT_ROOTS = (folder, *settings.IMPORT_ROOTS)
    with transaction.atomic():
        figures = measured()
        transaction.set_rollback(True)
    return figures


def measured() -> dict[str, Any]:
    """Every page asked in turn."""
    ask = asker()
    addresses = page_addresses()
    times: dict[str, list[float]] = defaultdict(list)
    for turn in range(TIMES + 1):
        for name, address in addresses.items():
            seconds = ask(address)
            if turn:
                times[name].append(1000 * seconds)
    p95 = {name: statistics.quantiles(found, n=20)[-1] for name, found in times.items()}
    for name, value in sorted(p95.items(), key=lambda pair: -pair[1]):
        print(f"{value:7.1f} ms  {name}  {addresses[name]}", file=sys.stderr)
    worst = max(p95, key=lambda name: p95[name])
    return {"pages": len(p95), "p95_ms": round(p95[worst], 1), "worst": worst}


def asker() -> Callable[[str], float]:
    """Asks for an address as the campaign's maker; the seconds that the server took."""
    from django.test import Client

    from core.models import Campaign

    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(Campaign.objects.get(slug=CAMPAIGN).created_by)

    def ask(address: str) -> float:
        started = time.perf_counter()
        answer = client.get(address)
        size = len(answer.getvalue())
        seconds = time.perf_counter() - started
        if answer.status_code not in (200, 302) or (answer.status_code == 200 and not size):
            raise RuntimeError(f"{address} answered {answer.status_code}")
        return seconds

    return ask


def page_addresses() -> dict[str, str]:
    """Every page's address on the demo's newest round."""
    from django.urls import reverse

    from core.models import Campaign
    from tests.doors.every import PAGES
    from tests.doors.world import STATES, World
    from training.models import Round

    newest = (
        Round.objects.filter(campaign=Campaign.objects.get(slug=CAMPAIGN)).select_related("campaign").latest("number")
    )
    world = World(rounds=dict.fromkeys(STATES, newest))
    return {door.name: reverse(door.name, kwargs=door.args(world)) for door in PAGES if not door.is_file}


if __name__ == "__main__":
    main()
