"""The mini world's campaign, made through REST. Doing it again changes nothing."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from demo.run.client import Api, DemoError, Json, Refused
from demo.run.plan import ROLES, Plan
from demo.run.world_files import BENCHMARKS, MODEL, POOL, benchmark_path
from demo.world.suites import SUITES

NOT_FOUND = 404
POLL_S = 0.3
LIVE = ("waiting", "running")
AGENT_MODEL = "mini-world-teacher"
Tick = Callable[[str, Json], None]


def seed_campaign(plan: Plan, api: Api, tick: Tick) -> None:
    """Campaign, endpoints, checkpoint, benchmarks and pool; ``tick`` gets the name and the job of what goes on."""
    campaign_make(plan, api)
    endpoints = [{"role": role, "base_url": plan.agents, "model": AGENT_MODEL, "concurrency": 32} for role in ROLES]
    if needs_endpoints(plan, api):
        api.call("PUT", f"campaigns/{plan.campaign}/endpoints", {"endpoints": endpoints})
    jobs = [
        (name, api.post(f"campaigns/{plan.campaign}/{kind}", {"name": name, "path": str(path)})["job"])
        for kind, name, path in imports(plan)
        if not is_there(plan, api, kind, name)
    ]
    for name, job in jobs:
        job_wait(api, name, job, tick)


def campaign_make(plan: Plan, api: Api) -> None:
    """The campaign; one that is there keeps the settings that it has."""
    try:
        api.get(f"campaigns/{plan.campaign}")
    except Refused as error:
        if error.status != NOT_FOUND:
            raise
        body = {"slug": plan.campaign, "name": plan.sizes.name, "seed": plan.seed, "settings": plan.settings()}
        api.post("campaigns", body)


def needs_endpoints(plan: Plan, api: Api) -> bool:
    """Whether a role is played elsewhere than it should."""
    rows = api.get(f"campaigns/{plan.campaign}/endpoints")["data"]
    return {row["role"]: row["base_url"] for row in rows} != dict.fromkeys(ROLES, plan.agents)


def imports(plan: Plan) -> Iterable[tuple[str, str, Any]]:
    """Collection, name and path of all that is imported."""
    yield "checkpoints", MODEL, plan.world / MODEL
    yield from ((BENCHMARKS, suite, benchmark_path(plan, suite)) for suite in SUITES)
    yield "pools", POOL, plan.world / POOL


def is_there(plan: Plan, api: Api, kind: str, name: str) -> bool:
    """Whether it was imported whole; a list's row counts its ``items`` or ``images``, 0 while the import goes on."""
    rows = [row for row in api.get(f"campaigns/{plan.campaign}/{kind}")["data"] if row["name"] == name]
    return any(row.get("items", row.get("images", 1)) for row in rows)


def job_wait(api: Api, name: str, job: int, tick: Tick) -> Json:
    """A job's result once it succeeded; a DemoError with its own words when it did not."""
    while True:
        found = api.get(f"jobs/{job}")
        tick(name, found)
        if found["status"] not in LIVE:
            break
        time.sleep(POLL_S)
    if found["status"] != "succeeded":
        words = " ".join(found["error_message"].split()) or found["status"]
        raise DemoError(f"{name} could not be imported: {words}")
    result: Json = found["result"]
    return result
