"""Import a benchmark's file, or only look at it, from the command line."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.errors import DpeError
from core.jobs.engine import Handler, execute, take
from core.jobs.lease import own_lease
from core.models import Campaign, Job
from diagnostics.handlers import benchmark_check_job, benchmark_import_job
from diagnostics.services.benchmarks import benchmark_check_submit, benchmark_submit

HANDLERS = {"benchmark_import": Handler(benchmark_import_job), "benchmark_check": Handler(benchmark_check_job)}
LOOK_S = 0.5


class Command(BaseCommand):
    help = "Import a benchmark from a file below the import folders, or only print what an import would find."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a path below the import folders")
        parser.add_argument("--campaign", required=True, help="the campaign's slug")
        parser.add_argument("--name", default="", help="the benchmark's name; the file's by default")
        parser.add_argument("--format", default="", help="tsv, csv, jsonl, parquet, arrow, lmms or langfuse")
        parser.add_argument("--column", action="append", default=[], metavar="OURS=THEIRS", help="may be repeated")
        parser.add_argument("--actor", default="", help="who imports; the campaign's maker by default")
        parser.add_argument("--dry-run", action="store_true", help="store nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            job = submitted(options)
        except DpeError as error:
            raise CommandError(str(error)) from error
        ended = carried_out(job)
        if ended.status != "succeeded":
            raise CommandError(ended.error_message or ended.status)
        self.stdout.write(json.dumps(ended.result, indent=2))
        if ended.result.get("report", {}).get("num_problems"):
            raise CommandError("The file has problems; nothing of it can be imported before they are gone.")


def submitted(options: dict[str, Any]) -> Job:
    """The job that was asked for."""
    campaign = Campaign.objects.filter(slug=options["campaign"]).first()
    if campaign is None:
        raise CommandError(f"There is no campaign {options['campaign']!r}.")
    actor = User.objects.filter(username=options["actor"]).first() if options["actor"] else campaign.created_by
    if actor is None:
        raise CommandError("Say who imports: --actor NAME.")
    words = {"path": options["file"], "format": options["format"], "columns": columns_of(options["column"])}
    if options["dry_run"]:
        return benchmark_check_submit(actor=actor, campaign=campaign, **words)
    name = options["name"] or options["file"].rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return benchmark_submit(actor=actor, campaign=campaign, name=name, **words)


def columns_of(pairs: list[str]) -> dict[str, str]:
    """The mapping that ``--column`` was given, pair by pair."""
    split = [pair.partition("=") for pair in pairs]
    return {ours.strip(): theirs.strip() for ours, _, theirs in split}


def carried_out(job: Job) -> Job:
    """The job when it has ended: done here, unless a worker was faster."""
    if take(job, own_lease(), timezone.now()):
        execute(Job.objects.select_related("campaign", "actor").get(pk=job.pk), HANDLERS)
    while (seen := Job.objects.get(pk=job.pk)).status in ("waiting", "running"):
        time.sleep(LOOK_S)
    return seen
