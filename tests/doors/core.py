"""Doors of the core: signing in, pictures, jobs, campaigns, endpoints."""

from typing import Any

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


PAGES = [
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
