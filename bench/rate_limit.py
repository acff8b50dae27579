"""What a server that allows R requests a second gets and refuses: ``{"of_allowed", "refused_share"}``.

The server (``bench.rate_limit_server``, a process of its own) has a token bucket of R a second that holds a tenth of
it, answers after 200 ms and refuses by 429, with ``Retry-After: 1`` or without. The client is a job's ledger, with 64
calls at once on a database of its own, storing every call. The counts are the server's, after RATE_WARM_S seconds (30)
and over RATE_SECONDS (60). Both figures are the worst over R = 20 and 100, with and without the header: at least .9 of
R reached, at most 2% refused.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import httpx

WARM_S, SECONDS = (float(os.environ.get(name, had)) for name, had in (("RATE_WARM_S", "30"), ("RATE_SECONDS", "60")))
AT_ONCE = 64
CASES = [(rate, has_header) for rate in (20, 100) for has_header in (True, False)]


def main() -> None:
    """Measure every case and print the worst."""
    with tempfile.TemporaryDirectory() as var:
        os.environ |= {"DPE_VAR": var, "DJANGO_SETTINGS_MODULE": "dpe_site.settings"}
        os.environ.pop("DATABASE_URL", None)
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        found = [measure(number, *case) for number, case in enumerate(CASES)]
    reached, refused = min(one["of_allowed"] for one in found), max(one["refused_share"] for one in found)
    print(json.dumps({"of_allowed": reached, "refused_share": refused}))


def measure(number: int, rate: int, has_header: bool) -> dict[str, float]:
    """One server: the share of R that it let through, and the share of all requests that it refused."""
    from asgiref.sync import async_to_sync

    with server(rate, has_header) as url:
        counted = async_to_sync(ask_for_a_while)(context_made(f"case-{number}", url), url)
    accepted, refused, seconds = counted
    found = {
        "of_allowed": round(accepted / seconds / rate, 4),
        "refused_share": round(refused / max(1, accepted + refused), 4),
    }
    print({"rate": rate, "retry_after": has_header, **found}, file=sys.stderr, flush=True)
    return found


@contextmanager
def server(rate: int, has_header: bool) -> Iterator[str]:
    """The base URL of a server in a process of its own."""
    command = [sys.executable, "-m", "bench.rate_limit_server", str(rate), str(int(has_header))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield child.stdout.readline().strip()
        finally:
            child.terminate()


def context_made(slug: str, url: str) -> Any:
    """A job of a campaign whose planner is the server, claimed by this process."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from core.campaigns import campaign_create
    from core.jobs.context import JobContext
    from core.jobs.engine import take
    from core.jobs.lease import own_lease
    from core.models import Endpoint, Job

    actor, _ = User.objects.get_or_create(username="bench", is_superuser=True)
    campaign = campaign_create(actor=actor, slug=slug, name=slug, seed=1, settings={})
    Endpoint.objects.create(campaign=campaign, role="planner", base_url=url, model="m", concurrency=AT_ONCE)
    job = Job.objects.create(campaign=campaign, actor=actor, kind="bench")
    assert take(job, own_lease(), timezone.now())
    return JobContext(Job.objects.select_related("campaign", "actor").get(pk=job.pk))


async def ask_for_a_while(context: Any, url: str) -> tuple[int, int, float]:
    """What the server accepted and refused after the warm-up, and in how many seconds."""
    from core.ledger import ledger_open

    async with ledger_open(context) as ledger:
        numbers = count()
        callers = [asyncio.create_task(ask_again_and_again(ledger, numbers)) for _ in range(AT_ONCE)]
        await asyncio.sleep(WARM_S)
        before, started = await counts(url), time.monotonic()
        await asyncio.sleep(SECONDS)
        after, seconds = await counts(url), time.monotonic() - started
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
    return after["accepted"] - before["accepted"], after["refused"] - before["refused"], seconds


async def ask_again_and_again(ledger: Any, numbers: "count[int]") -> None:
    """One call after another, each another question."""
    from core.provider import CallRequest

    while True:
        number = next(numbers)
        await ledger.ask(CallRequest("planner", f"s{number}", "v1", "be brief", f"question {number}", None))


async def counts(url: str) -> dict[str, int]:
    """What the server has counted so far."""
    async with httpx.AsyncClient() as client:
        found: dict[str, int] = (await client.get(f"{url}/counts")).json()
        return found


if __name__ == "__main__":
    main()
