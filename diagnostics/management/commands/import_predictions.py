"""Import a model's answers that were given elsewhere, from the command line."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import DpeError
from core.jobs.engine import Handler
from diagnostics.command_line import actor_of, campaign_of, carried_out
from diagnostics.handlers import predictions_import_job
from diagnostics.services.predictions import SPLITS, predictions_submit

HANDLERS = {"predictions_import": Handler(predictions_import_job)}


class Command(BaseCommand):
    help = "Bring in answers that a model gave elsewhere to a benchmark's items, grade them and report on them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a path below the import folders")
        parser.add_argument("--campaign", required=True, help="the campaign's slug")
        parser.add_argument("--benchmark", required=True, help="the benchmark whose items are answered")
        parser.add_argument("--checkpoint-name", required=True, help="whose answers they are")
        parser.add_argument("--split", default=SPLITS[0], help=f"{' or '.join(SPLITS)}; {SPLITS[0]} by default")
        parser.add_argument("--actor", default="", help="who imports; the campaign's maker by default")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = campaign_of(options["campaign"])
        words = {name: options[name] for name in ("benchmark", "checkpoint_name", "split")}
        try:
            actor = actor_of(campaign, options["actor"])
            job = predictions_submit(actor=actor, campaign=campaign, path=options["file"], **words)
        except DpeError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(carried_out(job, HANDLERS).result, indent=2))
