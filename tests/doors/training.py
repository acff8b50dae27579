"""Doors of campaigns and rounds."""

import json
from typing import Any

from tests.doors.datagen import pool
from tests.doors.table import Door, post, round_of, slug
from tests.doors.world import World


def signed(world: World) -> dict[str, Any]:
    return {"manifest_hash": world.campaign("approve").mixtures.last().manifest_hash, "comment": "looks right"}


def start(world: World) -> dict[str, Any]:
    return world.slug("ended")


def campaign_file(world: World) -> dict[str, Any]:
    return {"slug": "from-a-file", "name": "From a file", "seed": 1}


def yaml_form(world: World) -> dict[str, Any]:
    return {"way": "yaml", "do": "create", "text": json.dumps(campaign_file(world))}


def import_form(world: World) -> dict[str, Any]:
    return {"kind": "pool", **pool(world)}


PAGES = [
    Door("campaign-new", "person"),
    Door("campaign-new", "person", method="post", body=yaml_form),
    Door("campaign-inputs", "view", slug),
    Door("campaign-inputs", "research", slug, "post", import_form),
    Door("campaign-file", "admin", slug),
    Door("campaign-list", "person"),
    Door("campaign-detail", "view", slug),
    Door("round-detail", "view", round_of("decide")),
    post("round-start", "research", start),
    Door("round-approve", "approve", round_of("approve"), "post", signed),
    post("round-send-back", "approve", round_of("approve"), comment="more of count"),
    post("round-decide", "approve", round_of("decide"), decision="promoted", comment="worth it"),
    post("round-retry", "research", round_of("stuck")),
    post("round-redo", "research", round_of("decide"), stage="gate"),
]
API = [
    Door("api-campaign-from-file", "person", method="post", body=campaign_file),
    Door("api-campaign-check", "person", method="post", body=campaign_file),
    Door("api-campaign-file", "admin", slug),
    Door("api-import-list", "view", slug),
    Door("api-round-list", "view", slug),
    post("api-round-list", "research", start),
    Door("api-round-detail", "view", round_of("decide")),
    Door("api-round-approve", "approve", round_of("approve"), "post", signed),
    post("api-round-send-back", "approve", round_of("approve"), comment="more of count"),
    post("api-round-decide", "approve", round_of("decide"), decision="promoted", comment="worth it"),
    post("api-round-retry", "research", round_of("stuck")),
    post("api-round-redo", "research", round_of("decide"), stage="gate"),
]
