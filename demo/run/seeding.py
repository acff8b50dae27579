"""The mini world's campaign, made through REST. Doing it again changes nothing."""

import time
from collections.abc import Callable

from demo.run.campaign_file import campaign_file
from demo.run.client import Api, DemoError, Json, Refused
from demo.run.plan import Plan

NOT_FOUND = 404
POLL_S = 0.3
LIVE = ("running", "waiting", "paused")
Tick = Callable[[str, Json], None]


def seed_campaign(plan: Plan, api: Api, tick: Tick) -> None:
    """The campaign of the demo's file, whole; ``tick`` gets the name and the job of what is imported."""
    file = campaign_file(plan)
    kept = campaign_kept(plan, api)
    if kept:
        file |= {name: kept[name] for name in ("name", "seed", "settings")}
        endpoints_move(plan, api, file)
    for one in api.post("campaigns/from-file", file)["waiting"]:
        job_wait(api, one["name"], one["job"], tick)


def campaign_kept(plan: Plan, api: Api) -> Json:
    """The campaign that is there and keeps the settings that it has; empty when there is none."""
    try:
        return api.get(f"campaigns/{plan.campaign}")
    except Refused as error:
        if error.status != NOT_FOUND:
            raise
        return {}


def endpoints_move(plan: Plan, api: Api, file: Json) -> None:
    """Set the roles again that are played elsewhere than at this plan's address."""
    rows = api.get(f"campaigns/{plan.campaign}/endpoints")["data"]
    moved = [row["role"] for row in rows if row["base_url"] != plan.agents]
    fields = {name: value for name, value in file["endpoints"][0].items() if name != "roles"}
    if moved:
        body = {"endpoints": [{"role": role, **fields} for role in moved]}
        api.call("PUT", f"campaigns/{plan.campaign}/endpoints", body)


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
