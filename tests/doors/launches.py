"""Doors of training runs by hand."""

from typing import Any

from tests.doors.table import Door, post, slug
from tests.doors.world import World
from tests.factories import make_job
from training.models import Preflight, TrainingRun

LINES = [
    {"name": "dataset", "status": "ok", "found": "244 samples with all columns.", "change": ""},
    {"name": "gradient", "status": "warn", "found": "Nobody knows.", "change": "Look at the first steps."},
    {"name": "canary", "status": "fail", "found": "It is silent.", "change": "See that the pictures reach the model."},
]


def by_hand(world: World, **fields: Any) -> TrainingRun:
    """A run by hand like the round's own."""
    like = world.campaign().training_runs.filter(is_by_hand=False).latest("pk")
    given = {"campaign": like.campaign, "dataset": like.dataset, "parent": like.parent, "seed": 3, "spec": like.spec}
    return TrainingRun.objects.create(**given, is_by_hand=True, run_name=f"hand{TrainingRun.objects.count()}", **fields)


def held(world: World) -> dict[str, Any]:
    """A run whose pre-flight failed."""
    run = by_hand(world)
    job = make_job(campaign=run.campaign, kind="preflight", status="succeeded")
    Preflight.objects.create(
        training_run=run, run_name=run.run_name, take=1, job=job, lines=LINES, is_passed=False, seconds=41.0
    )
    return {**world.slug(), "pk": run.pk}


def at_work(world: World) -> dict[str, Any]:
    """A run by hand that trains."""
    run = by_hand(world)
    run.job = make_job(
        campaign=run.campaign, kind="train", status="running", spec={"training_run_id": run.pk}, attempt=1
    )
    run.save()
    return {**world.slug(), "pk": run.pk}


def wishes(world: World) -> dict[str, Any]:
    dataset = world.campaign().datasets.last()
    return {"dataset": dataset.pk, "settings": {"steps": 7}}


def form(world: World) -> dict[str, Any]:
    dataset = world.campaign().datasets.last()
    return {"do": "launch", "dataset": dataset.pk, "grpo.steps": "7"}


PAGES = [
    Door("training-new", "research", slug),
    Door("training-new", "research", slug, "post", form),
    post("training-check", "research", held),
    post("training-override", "research", held, reason="a drill"),
    post("training-stop", "research", at_work),
]
API = [
    Door("api-training-run-list", "research", slug, "post", wishes),
    Door("api-training-run-preview", "research", slug, "post", wishes),
    post("api-training-run-check", "research", held),
    post("api-training-run-override", "research", held, reason="a drill"),
    post("api-training-run-stop", "research", at_work),
    Door("api-preset-list", "view", slug),
]
