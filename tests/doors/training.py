"""Doors of campaigns and rounds."""

from pathlib import Path
from typing import Any

from django.conf import settings

from tests.diagnostics.makers import make_adapter
from tests.doors.diagnostics import benchmark, predictions
from tests.doors.mixtures import edited, seen, shares, signed, waiting
from tests.doors.table import Door, post, round_of, slug
from tests.doors.world import World
from tests.factories import make_job
from tests.training.rows import make_checkpoint, make_folder
from training.domain.retention import RetentionChoice
from training.services.checkpoint_care import retention_plan


def start(world: World) -> dict[str, Any]:
    return world.slug("ended")


def a_benchmark(world: World) -> dict[str, Any]:
    return {"kind": "benchmark", **benchmark(world)}


def a_form_of_predictions(world: World) -> dict[str, Any]:
    return {**predictions(world), "split": "probe"}


def dry_run(world: World) -> dict[str, Any]:
    job = make_job(campaign=world.campaign(), kind="benchmark_check", spec={"path": "/imports/bench.tsv"})
    return {**world.slug(), "pk": job.pk}


def training_run(world: World) -> dict[str, Any]:
    return {**world.slug(), "pk": world.campaign().training_runs.last().pk}


def prompt(world: World) -> dict[str, Any]:
    run = world.campaign().training_runs.last()
    return {**world.slug(), "pk": run.pk, "prompt": run.prompts.first().pk}


def checkpoint(world: World) -> dict[str, Any]:
    """One whose files are here."""
    row = world.campaign().checkpoints.latest("pk")
    if not Path(row.path).is_dir():
        row.path = str(make_folder(Path(settings.RUNS_ROOT) / f"door-{row.pk}" / "final"))
        row.save()
    return {**world.slug(), "pk": row.pk}


def adapter(world: World) -> dict[str, Any]:
    """Adapters whose base is known."""
    campaign = world.campaign("dataset")
    folder = make_adapter(Path(settings.RUNS_ROOT) / f"door-adapter-{campaign.pk}")
    seen = campaign.checkpoints.filter(name="adapters").first()
    row = seen or make_checkpoint(campaign, folder, name="adapters", parent=make_checkpoint(campaign))
    return {**world.slug("dataset"), "pk": row.pk}


def plan(world: World) -> dict[str, Any]:
    return {"keep": 3, "seen": retention_plan(world.campaign(), RetentionChoice()).seen}


def evaluation(world: World) -> dict[str, Any]:
    return {**world.slug(), "pk": world.rounds["decide"].evaluations.last().pk}


def new_campaign(world: World) -> dict[str, Any]:
    return {"way": "yaml", "do": "create", "text": "slug: fresh\nname: Fresh\n"}


PAGES = [
    Door("campaign-list", "person"),
    Door("campaign-new", "person"),
    Door("campaign-new", "person", method="post", body=new_campaign),
    Door("campaign-detail", "view", slug),
    Door("campaign-inputs", "view", slug),
    Door("campaign-inputs", "research", slug, "post", a_benchmark),
    Door("benchmark-check", "research", slug, "post", a_benchmark),
    Door("predictions-import", "research", slug, "post", a_form_of_predictions),
    Door("import-detail", "view", dry_run),
    Door("campaign-file", "admin", slug, is_file=True),
    Door("mixture-list", "view", slug),
    Door("mixture-detail", "view", waiting),
    Door("mixture-try", "view", waiting, "post", shares),
    Door("mixture-save", "research", waiting, "post", shares),
    Door("mixture-back", "research", edited, "post", seen),
    post("mixture-budget", "approve", waiting, calls="5000"),
    Door("comparison-list", "view", slug),
    Door("comparison-detail", "view", evaluation),
    Door("comparison-export", "view", evaluation, is_file=True),
    Door("training-list", "view", slug),
    Door("training-detail", "view", training_run),
    Door("checkpoint-list", "view", slug),
    Door("checkpoint-detail", "view", checkpoint),
    Door("checkpoint-file", "research", checkpoint, is_file=True),
    post("checkpoint-keep", "research", checkpoint, pin="1"),
    post("checkpoint-merge", "research", adapter),
    Door("checkpoint-retention", "view", slug),
    Door("checkpoint-retention", "admin", slug, "post", plan),
    Door("prompt-list", "view", training_run),
    Door("prompt-detail", "view", prompt),
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
    post("api-campaign-from-file", "person", slug="fresh", name="Fresh"),
    post("api-campaign-check", "person", slug="fresh", name="Fresh"),
    Door("api-campaign-file", "admin", slug),
    Door("api-import-list", "view", slug),
    Door("api-training-run-list", "view", slug),
    Door("api-training-run-detail", "view", training_run),
    Door("api-metric-list", "view", training_run),
    Door("api-checkpoint-detail", "view", checkpoint),
    Door("api-checkpoint-file", "research", checkpoint, is_file=True),
    post("api-checkpoint-pin", "research", checkpoint, is_pinned=True),
    post("api-checkpoint-merge", "research", adapter),
    Door("api-retention", "view", slug),
    Door("api-retention", "admin", slug, "post", plan),
    Door("api-prompt-list", "view", training_run),
    Door("api-prompt-detail", "view", prompt),
    Door("api-rollout-list", "view", prompt),
    Door("api-evaluation-list", "view", slug),
    Door("api-evaluation-detail", "view", evaluation),
    Door("api-evaluation-item-list", "view", evaluation),
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
