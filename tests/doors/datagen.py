"""Doors of pools, mixtures, samples and datasets."""

from typing import Any

from django.conf import settings
from PIL import Image

from tests.doors.table import Door, slug
from tests.doors.world import World
from tests.pages.rows import make_call


def mixture(world: World) -> dict[str, Any]:
    return {**world.slug(), "pk": world.campaign().mixtures.last().pk}


def pool(world: World) -> dict[str, Any]:
    folder = settings.IMPORT_ROOTS[0] / "pool"
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    (folder / "pool.jsonl").write_text('{"file": "a.png", "image_type": "map", "licence": "CC0", "source": "here"}\n')
    return {"name": "another pool", "path": "pool"}


def call(world: World) -> dict[str, Any]:
    made = world.campaign().calls.first() or make_call(world.campaign())
    return {**world.slug(), "pk": made.pk}


PAGES = [
    Door("sample-list", "view", mixture),
    Door("call-list", "view", slug),
    Door("call-detail", "view", call),
]
API = [
    Door("api-pool-list", "view", slug),
    Door("api-pool-list", "research", slug, "post", pool),
    Door("api-mixture-detail", "view", mixture),
    Door("api-call-list", "view", slug),
    Door("api-call-detail", "view", call),
]
