"""Doors of campaigns and rounds."""

from typing import Any

from tests.doors.table import Door, post, round_of, slug
from tests.doors.world import World


def signed(world: World) -> dict[str, Any]:
    return {"manifest_hash": world.campaign("approve").mixtures.last().manifest_hash, "comment": "looks right"}


def start(world: World) -> dict[str, Any]:
    return world.slug("ended")


PAGES = [
    Door("campaign-list", "person"),
    Door("campaign-detail", "view", slug),
    Door("round-detail", "view", round_of("decide")),
    post("round-start", "research", start),
    Door("round-approve", "approve", round_of("approve"), "post", signed),
    post("round-send-back", "approve", round_of("approve"), comment="more of count"),
    post("round-decide", "approve", round_of("decide"), decision="promoted", comment="worth it"),
    post("round-retry", "research", round_of("stuck")),
    post("round-stop", "research", round_of("running")),
    post("round-redo", "research", round_of("decide"), stage="gate"),
]
API = [
    Door("api-round-list", "view", slug),
    post("api-round-list", "research", start),
    Door("api-round-detail", "view", round_of("decide")),
    Door("api-round-approve", "approve", round_of("approve"), "post", signed),
    post("api-round-send-back", "approve", round_of("approve"), comment="more of count"),
    post("api-round-decide", "approve", round_of("decide"), decision="promoted", comment="worth it"),
    post("api-round-retry", "research", round_of("stuck")),
    post("api-round-stop", "research", round_of("running")),
    post("api-round-redo", "research", round_of("decide"), stage="gate"),
]
