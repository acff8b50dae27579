"""Doors of the core: signing in, pictures, jobs, campaigns, endpoints."""

from typing import Any

from core.campaigns import settings_hash
from core.models import CampaignMedia
from tests.doors.table import Door, post, slug
from tests.doors.world import World
from tests.factories import make_job


def picture(world: World) -> dict[str, Any]:
    return {"sha256": CampaignMedia.objects.filter(campaign=world.campaign()).first().media_id}


def job(status: str, state: str = "decide") -> Any:
    return lambda world: {"pk": world.campaign(state).jobs.filter(status=status).first().pk}


def asking(status: str) -> Any:
    return lambda world: {"pk": make_job(campaign=world.campaign(), queue="agents", status=status).pk}


def own_token(world: World) -> dict[str, Any]:
    return {"key": world.token}


def endpoints(world: World) -> dict[str, Any]:
    return {"endpoints": [{"role": "planner", "base_url": "http://127.0.0.1:9/v1", "model": "m"}]}


def endpoint(world: World) -> dict[str, Any]:
    return {**world.slug(), "pk": world.campaign().endpoints.first().pk}


def at_once(world: World) -> dict[str, Any]:
    return {"slots": "48", **{f"calls.{row.role}": "8" for row in world.campaign().endpoints.all()}}


def settings(world: World) -> dict[str, Any]:
    return {"seen": settings_hash(world.campaign()), "diagnosis.tau": "0.6"}


def member(world: World) -> dict[str, Any]:
    return {"user": world.people["viewer"].get_username(), "role": "curator"}


def named(world: World) -> dict[str, Any]:
    return {**world.slug(), "name": world.people["viewer"].get_username()}


def if_match(world: World) -> dict[str, str]:
    return {"If-Match": f'"{settings_hash(world.campaign())}"'}


SERVER = {"base_url": "http://127.0.0.1:9/v1", "model": "m", "concurrency": "16", "timeout_s": "120"}
PRICES = {"price_in": "0", "price_out": "0", "price_image": "0"}
PAGES = [
    Door("login", "anyone"),
    Door("healthz", "anyone", is_file=True),
    Door("password-change", "person"),
    Door("media-detail", "view", picture, is_file=True),
    Door("media-thumbnail", "view", picture, is_file=True),
    Door("token-list", "person"),
    post("token-list", "person", days="30"),
    post("token-end", "person", own_token),
    Door("campaign-settings", "view", slug),
    Door("campaign-settings", "admin", slug, "post", settings),
    Door("member-set", "admin", slug, "post", member),
    Door("member-remove", "admin", slug, "post", member),
    Door("endpoint-list", "view", slug),
    post("endpoint-list", "admin", slug, roles=["planner"], **SERVER, **PRICES),
    post("endpoint-test", "research", endpoint),
    Door("concurrency", "view", slug),
    Door("concurrency", "research", slug, "post", at_once),
    Door("worker-list", "person"),
    Door("job-list", "person"),
    Door("job-detail", "view", job("succeeded")),
    post("job-stop", "research", job("running", "running")),
    post("job-pause", "research", asking("running")),
    post("job-resume", "research", asking("paused")),
    post("job-again", "research", job("failed", "stuck")),
]
API = [
    Door("api-schema", "anyone"),
    Door("api-campaign-list", "person"),
    post("api-campaign-list", "person", slug="fresh", name="Fresh"),
    Door("api-campaign-detail", "view", slug),
    Door("api-endpoint-list", "view", slug),
    Door("api-endpoint-list", "admin", slug, "put", endpoints),
    post("api-endpoint-test", "research", lambda world: {**world.slug(), "role": "planner"}),
    Door("api-settings-detail", "view", slug),
    Door("api-settings-detail", "admin", slug, "put", lambda world: {}, if_match),
    Door("api-concurrency", "view", slug),
    Door("api-concurrency", "research", slug, "patch", lambda world: {"slots": 48, "calls": {"planner": 8}}),
    Door("api-member-list", "view", slug),
    Door("api-member-detail", "admin", named, "put", lambda world: {"role": "curator"}),
    Door("api-member-detail", "admin", named, "delete"),
    Door("api-audit-event-list", "admin", slug),
    Door("api-token-list", "person"),
    post("api-token-list", "person"),
    Door("api-token-detail", "person", own_token, "delete"),
    Door("api-worker-list", "person"),
    Door("api-job-list", "person"),
    Door("api-job-events", "view", job("succeeded")),
    Door("api-job-detail", "view", job("succeeded")),
    Door("api-job-detail", "research", job("running", "running"), "delete"),
    post("api-job-pause", "research", asking("running")),
    post("api-job-resume", "research", asking("paused")),
    post("api-job-retry", "research", job("failed", "stuck")),
]
