"""Doors of checkpoints, benchmarks and reports."""

from typing import Any

from django.conf import settings

from core.models import Job
from diagnostics.models import SavedView
from tests.doors.table import Door, post, slug
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


def new_run(world: World) -> dict[str, Any]:
    answering = world.campaign().checkpoints.first()
    plain = {"label": "by hand", "engine": "transformers", "split": "probe", "items_a_skill": 2}
    return {**plain, "checkpoint": answering.pk, "num_answers": 1, "temperature": 0}


def new_run_json(world: World) -> dict[str, Any]:
    told = new_run(world)
    return {name: told[name] for name in ("label", "engine", "split", "items_a_skill", "checkpoint")}


def own_view(world: World) -> dict[str, Any]:
    """A view of one name that everybody keeps; who asks removes their own."""
    for person in world.people.values():
        SavedView.objects.get_or_create(campaign=world.campaign(), user=person, name="mine", defaults={"query": ""})
    return {"name": "mine"}


def own_view_named(world: World) -> dict[str, Any]:
    return {**world.slug(), **own_view(world)}


def an_export(world: World) -> dict[str, Any]:
    spec = {"query": "", "format": "csv"}
    job = Job.objects.create(
        kind="items_export", campaign=world.campaign(), actor=world.people["admin"], spec=spec, status="succeeded"
    )
    path = settings.EXPORTS_ROOT / str(job.campaign_id) / f"{job.pk}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("item\n")
    return {**world.slug(), "pk": job.pk}


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
    Door("run-list", "view", slug),
    Door("run-detail", "view", run),
    Door("run-new", "research", slug),
    Door("run-new", "research", slug, "post", new_run),
    Door("item-list", "view", slug),
    post("item-view-save", "view", slug, name="more", query="skill=count"),
    Door("item-view-remove", "view", slug, "post", own_view),
    post("item-export", "research", slug, query="skill=count", format="csv"),
    Door("item-export-file", "view", an_export, is_file=True),
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
    Door("api-answer-run-list", "research", slug, "post", new_run_json),
    Door("api-answer-run-differences", "view", run, body=lambda world: {"with": run(world)["pk"]}),
    Door("api-item-list", "view", slug),
    Door("api-item-view-list", "view", slug),
    post("api-item-view-list", "view", slug, name="more", query="skill=count"),
    Door("api-item-view-detail", "view", own_view_named, "delete"),
    post("api-item-export", "research", slug, query="skill=count", format="jsonl"),
    Door("api-item-export-file", "view", an_export),
]
