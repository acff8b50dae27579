"""Doors of pools, mixtures, samples and datasets."""

from typing import Any

from django.conf import settings
from PIL import Image

from datagen.models import Sample, SampleDecision
from datagen.services.curation import sample_reject
from tests.doors.mixtures import edited, rest_shares, seen, waiting
from tests.doors.table import Door, post, slug
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


def dataset(world: World) -> dict[str, Any]:
    return {**world.slug(), "pk": world.campaign().datasets.last().pk}


def as_lines(world: World) -> dict[str, Any]:
    return {**dataset(world), "kind": "jsonl"}


def sample(world: World) -> dict[str, Any]:
    """One that a curator may still accept: its mixture has no dataset, its slot no sample."""
    free = Sample.objects.filter(slot__mixture__campaign=world.campaign("dataset"), status__in=["held", "rejected"])
    found = free.exclude(slot__status="filled").first() or free.first()
    return {**world.slug("dataset"), "pk": found.pk}


def accepted(world: World) -> dict[str, Any]:
    mine = Sample.objects.filter(slot__mixture__campaign=world.campaign("dataset"), status="accepted")
    return {**world.slug("dataset"), "pk": mine.first().pk}


def decided(world: World) -> dict[str, Any]:
    """A sample that was rejected by a person just now."""
    row = accepted(world)
    if not SampleDecision.objects.filter(sample_id=row["pk"]).exists():
        sample_reject(actor=world.people["curator"], sample_id=row["pk"], comment="blurred")
    return row


def decision(world: World) -> dict[str, Any]:
    return {"decision": SampleDecision.objects.latest("id").pk}


def elsewhere(world: World) -> dict[str, Any]:
    """A skill of the sample's mixture that has a slot without a sample."""
    own = Sample.objects.get(pk=sample(world)["pk"]).slot_id
    free = world.campaign("dataset").mixtures.last().slots.exclude(status="filled").exclude(pk=own)
    return {"decision": "reassign", "skill": free.first().skill}


def skill_only(world: World) -> dict[str, Any]:
    return {"skill": elsewhere(world)["skill"]}


def several(world: World) -> dict[str, Any]:
    return {"decision": "reject", "samples": [accepted(world)["pk"]], "comment": "blurred", "dry_run": False}


def ticked(world: World) -> dict[str, Any]:
    return {"decision": "reject", "sample": [accepted(world)["pk"]], "comment": "blurred"}
    return {"decision": "reject", "sample": accepted(world)["pk"], "comment": "blurred", "apply": "1"}


PAGES = [
    Door("sample-list", "view", mixture),
    Door("mixture-live", "view", mixture),
    Door("call-list", "view", slug),
    Door("call-detail", "view", call),
    Door("sample-queue", "view", slug),
    Door("sample-detail", "view", sample),
    post("sample-decide", "curate", accepted, decision="reject", comment="blurred"),
    Door("sample-decide-many", "curate", lambda world: world.slug("dataset"), "post", ticked),
    Door("sample-undo", "curate", decided, "post", decision),
    Door("dataset-list", "view", slug),
    Door("dataset-detail", "view", dataset),
    Door("dataset-file", "view", as_lines, is_file=True),
]
API = [
    Door("api-pool-list", "view", slug),
    Door("api-pool-list", "research", slug, "post", pool),
    Door("api-mixture-detail", "view", mixture),
    Door("api-mixture-live", "view", mixture),
    Door("api-call-list", "view", slug),
    Door("api-call-costs", "view", slug),
    Door("api-call-detail", "view", call),
    Door("api-mixture-list", "view", slug),
    Door("api-mixture-preview", "view", waiting, "post", rest_shares),
    Door("api-mixture-rows", "research", waiting, "put", lambda world: {**rest_shares(world), **seen(world)}),
    Door("api-mixture-budget", "view", waiting),
    Door("api-mixture-budget", "approve", waiting, "put", lambda world: {"calls": 5000}),
    Door("api-mixture-restore", "research", edited, "post", seen),
    Door("api-dataset-list", "view", slug),
    Door("api-dataset-detail", "view", dataset),
    Door("api-dataset-file", "view", as_lines),
    Door("api-sample-list", "view", slug),
    Door("api-sample-detail", "view", sample),
    post("api-sample-accept", "curate", sample),
    post("api-sample-reject", "curate", accepted, comment="blurred"),
    Door("api-sample-reassign", "curate", sample, "post", skill_only),
    Door("api-sample-undo", "curate", decided, "post", decision),
    Door("api-sample-decide", "curate", lambda world: world.slug("dataset"), "post", several),
]
