"""Doors of the core: signing in, pictures, jobs, campaigns, endpoints."""

from typing import Any

from core.campaigns import settings_hash
from core.models import CampaignMedia
from tests.doors.table import Door, post, slug
from tests.doors.world import World


def picture(world: World) -> dict[str, Any]:
    return {"sha256": CampaignMedia.objects.filter(campaign=world.campaign()).first().media_id}


def job(status: str, state: str = "decide") -> Any:
    return lambda world: {"pk": world.campaign(state).jobs.filter(status=status).first().pk}


def own_token(world: World) -> dict[str, Any]:
    return {"key": world.token}


def endpoints(world: World) -> dict[str, Any]:
    return {"endpoints": [{"role": "planner", "base_url": "http://127.0.0.1:9/v1", "model": "m"}]}


def endpoint(world: World) -> dict[str, Any]:
    return {**world.slug(), "pk": world.campaign().endpoints.first().pk}


def role(world: World) -> dict[str, Any]:
    return {**world.slug(), "role": "planner"}


def member(world: World) -> dict[str, Any]:
    return {**world.slug(), "name": world.people["viewer"].username}


def viewer(world: World) -> dict[str, Any]:
    return {"user": world.people["viewer"].username, "role": "curator"}


def settings_form(world: World) -> dict[str, Any]:
    return {"seen": settings_hash(world.campaign()), "gate.margin": "0.02"}


def etag(world: World) -> dict[str, Any]:
    return {"If-Match": settings_hash(world.campaign())}


def endpoint_form(world: World) -> dict[str, Any]:
    prices = {"price_in": "0", "price_out": "0", "price_image": "0", "concurrency": "4", "timeout_s": "30"}
    return {"roles": ["planner"], "base_url": "http://127.0.0.1:9/v1", "model": "m", **prices}


PAGES = [
    Door("campaign-settings", "view", slug),
    Door("campaign-settings", "admin", slug, "post", settings_form),
    Door("member-set", "admin", slug, "post", viewer),
    Door("member-remove", "admin", slug, "post", viewer),
    Door("endpoint-list", "view", slug),
    Door("endpoint-list", "admin", slug, "post", endpoint_form),
    post("endpoint-test", "research", endpoint),
    Door("login", "anyone"),
    Door("healthz", "anyone"),
    Door("password-change", "person"),
    Door("media-detail", "view", picture),
    Door("media-thumbnail", "view", picture),
    Door("token-list", "person"),
    post("token-list", "person", days="30"),
    post("token-end", "person", own_token),
    Door("job-list", "person"),
    Door("job-detail", "view", job("succeeded")),
    post("job-stop", "research", job("running", "running")),
    post("job-again", "research", job("failed", "stuck")),
]
API = [
    Door("api-settings-detail", "view", slug),
    Door(
        "api-settings-detail", "admin", slug, "put", headers=lambda world: {"If-Match": settings_hash(world.campaign())}
    ),
    Door("api-member-list", "view", slug),
    Door("api-member-detail", "admin", member, "put", lambda world: {"role": "curator"}),
    Door("api-member-detail", "admin", member, "delete"),
    post("api-endpoint-test", "research", role),
    Door("api-schema", "anyone"),
    Door("api-campaign-list", "person"),
    post("api-campaign-list", "person", slug="fresh", name="Fresh"),
    Door("api-campaign-detail", "view", slug),
    Door("api-endpoint-list", "view", slug),
    Door("api-endpoint-list", "admin", slug, "put", endpoints),
    Door("api-token-list", "person"),
    post("api-token-list", "person"),
    Door("api-token-detail", "person", own_token, "delete"),
    Door("api-job-detail", "view", job("succeeded")),
    Door("api-job-detail", "research", job("running", "running"), "delete"),
    post("api-job-retry", "research", job("failed", "stuck")),
]
