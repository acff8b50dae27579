"""Import a benchmark's file, or only look at it, from the command line."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import DpeError
from core.jobs.engine import Handler
from core.models import Job
from diagnostics.command_line import actor_of, campaign_of, carried_out
from diagnostics.formats.records import columns_read
from diagnostics.handlers import benchmark_check_job, benchmark_import_job
from diagnostics.services.benchmarks import benchmark_check_submit, benchmark_submit

HANDLERS = {"benchmark_import": Handler(benchmark_import_job), "benchmark_check": Handler(benchmark_check_job)}


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
        ended = carried_out(job, HANDLERS)
        self.stdout.write(json.dumps(ended.result, indent=2))
        if ended.result.get("report", {}).get("num_problems"):
            raise CommandError("The file has problems; nothing of it can be imported before they are gone.")


def submitted(options: dict[str, Any]) -> Job:
    """The job that was asked for."""
    campaign = campaign_of(options["campaign"])
    actor = actor_of(campaign, options["actor"])
    words = {"path": options["file"], "format": options["format"], "columns": columns_read(options["column"])}
    if options["dry_run"]:
        return benchmark_check_submit(actor=actor, campaign=campaign, **words)
    name = options["name"] or options["file"].rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return benchmark_submit(actor=actor, campaign=campaign, name=name, **words)
