"""Doors of checkpoints, benchmarks and reports."""

from typing import Any

from django.conf import settings

from tests.doors.table import Door, slug
from tests.doors.world import World


def report(world: World) -> dict[str, Any]:
    return {**world.slug(), "pk": world.campaign().reports.last().pk}


def skill(world: World) -> dict[str, Any]:
    return {**report(world), "skill": world.campaign().reports.last().skills.first().skill}


def checkpoint(world: World) -> dict[str, Any]:
    (settings.IMPORT_ROOTS[0] / "model").mkdir(exist_ok=True)
    return {"name": "another", "path": "model"}


def benchmark(world: World) -> dict[str, Any]:
    (settings.IMPORT_ROOTS[0] / "bench.tsv").write_text("index\tquestion\tanswer\n")
    return {"name": "another", "path": "bench.tsv"}


def predictions(world: World) -> dict[str, Any]:
    """Answers that were given elsewhere to the items of a benchmark that is here."""
    (settings.IMPORT_ROOTS[0] / "answers.tsv").write_text("index\tprediction\n0\tB\n")
    return {
        "benchmark": world.campaign().benchmarks.first().name,
        "checkpoint_name": "elsewhere",
        "path": "answers.tsv",
    }


def run(world: World) -> dict[str, Any]:
    return {**world.slug(), "pk": world.campaign().answer_runs.first().pk}


def item(world: World) -> dict[str, Any]:
    return {**world.slug(), "pk": world.campaign().answer_runs.first().items.first().pk}


PAGES = [
    Door("report-list", "view", slug),
    Door("report-detail", "view", report),
    Door("report-skill", "view", skill),
    Door("item-detail", "view", item),
]
API = [
    Door("api-checkpoint-list", "view", slug),
    Door("api-checkpoint-list", "research", slug, "post", checkpoint),
    Door("api-benchmark-list", "view", slug),
    Door("api-benchmark-list", "research", slug, "post", benchmark),
    Door("api-benchmark-check", "research", slug, "post", lambda world: {"path": benchmark(world)["path"]}),
    Door("api-predictions-import", "research", slug, "post", predictions),
    Door("api-report-list", "view", slug),
    Door("api-report-detail", "view", report),
    Door("api-answer-run-list", "view", slug),
    Door("api-answer-run-detail", "view", run),
    Door("api-item-detail", "view", item),
]
