"""Make a campaign from a YAML file, or only check whether it could be made."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from core.campaign_file import MAX_BYTES, CampaignFile, campaign_file_parse, yaml_read
from core.errors import DpeError
from training.preflight import has_failed, preflight
from training.services.campaign_setup import campaign_set_up


class Command(BaseCommand):
    help = "Make the campaign that a YAML file describes; the same file again adds what is missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--actor", default="", help="who makes it; may be left out where there is one person only")
        parser.add_argument("--check", action="store_true", help="only check; nothing is written, 1 when it would fail")
        parser.add_argument("--offline", action="store_true", help="with --check: ask no endpoint whether it answers")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            file = file_read(options["file"])
            actor = actor_named(options["actor"])
            if options["check"]:
                self.check_only(actor, file, offline=options["offline"])
            else:
                self.create(actor, file)
        except DpeError as error:
            raise CommandError(str(error)) from error

    def check_only(self, actor: User, file: CampaignFile, *, offline: bool) -> None:
        """One line a check."""
        checks = preflight(actor=actor, file=file, offline=offline)
        for check in checks:
            self.stdout.write(f"{check.status:4}  {check.name}: {check.sentence}")
        if has_failed(checks):
            sys.exit(1)

    def create(self, actor: User, file: CampaignFile) -> None:
        """What was made, what waits, and where its page is."""
        setup = campaign_set_up(actor=actor, file=file)
        self.stdout.write(f"{setup.campaign.slug} {'was made' if setup.is_new else 'was there already'}")
        for one in setup.waiting:
            self.stdout.write(f"{one.kind} {one.name}: job #{one.job.pk} is {one.job.status}")
        self.stdout.write(reverse("campaign-detail", args=[setup.campaign.slug]))


def file_read(path: Path) -> CampaignFile:
    """The file as checked values; a huge one is not read whole."""
    try:
        with path.open("rb") as file:
            return campaign_file_parse(yaml_read(file.read(MAX_BYTES + 1)))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def actor_named(name: str) -> User:
    """Who makes the campaign: the one who is named, else the only person there is."""
    people = User.objects.filter(is_active=True)
    found = list((people.filter(username=name) if name else people)[:2])
    if len(found) == 1:
        return found[0]
    raise CommandError(f"Nobody signs in here as {name}." if name else "Say who makes it: --actor NAME.")
