"""Doors of checkpoints, benchmarks and reports."""

from typing import Any

from django.conf import settings

from tests.doors.table import Door, slug
from tests.doors.world import World
from tests.pages.judging import make_complete, make_judging, make_labels, make_rulings


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


def run_complete(world: World) -> dict[str, Any]:
    return {**world.slug(), "pk": make_complete(world.campaign().answer_runs.first()).pk}


def judging(world: World) -> dict[str, Any]:
    made = make_judging(make_complete(world.campaign().answer_runs.first()))
    make_rulings(made)
    return {**world.slug(), "pk": made.pk}


def ruling(world: World) -> dict[str, Any]:
    made = make_judging(make_complete(world.campaign().answer_runs.first()))
    return {**world.slug(), "pk": make_rulings(made, 1, waiting=True)[0].pk}


def labelling(world: World) -> dict[str, Any]:
    made = make_judging(make_complete(world.campaign().answer_runs.first()), "types")
    make_labels(made)
    return {**world.slug(), "pk": made.pk}


def label(world: World) -> dict[str, Any]:
    made = make_judging(make_complete(world.campaign().answer_runs.first()), "types")
    return {**world.slug(), "pk": make_labels(made, 1)[0].pk}


def way(world: World) -> dict[str, Any]:
    return {"way": "judge"}


def word(world: World) -> dict[str, Any]:
    return {"outcome": "correct"}


def correction(world: World) -> dict[str, Any]:
    return {"image_type": "map", "error_type": "other"}


PAGES = [
    Door("report-list", "view", slug),
    Door("report-detail", "view", report),
    Door("report-skill", "view", skill),
    Door("item-detail", "view", item),
    Door("judging-list", "view", run_complete),
    Door("judging-start", "research", run_complete, "post", way),
    Door("judging-detail", "view", judging),
    Door("ruling-decide", "curate", ruling, "post", word),
    Door("label-correct", "curate", label, "post", correction),
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
    Door("api-judging-list", "view", run_complete),
    Door("api-judging-list", "research", run_complete, "post", way),
    Door("api-judging-detail", "view", judging),
    Door("api-ruling-list", "view", judging),
    Door("api-ruling-decide", "curate", ruling, "post", word),
    Door("api-label-list", "view", labelling),
    Door("api-label-correct", "curate", label, "post", correction),
]
