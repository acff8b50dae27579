"""Make a person who can sign in, and print how, as one line of JSON."""

import json
import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from knox.models import AuthToken
from sesame.utils import get_query_string


class Command(BaseCommand):
    help = "Create a person (or find them) and print a one-line JSON with a password, token and login link as asked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--staff", action="store_true", help="may open the admin and create campaigns")
        parser.add_argument("--token", action="store_true", help="make a new API token")
        parser.add_argument("--login-link", action="store_true", help="make a one-time login path, good for 24 hours")

    def handle(self, *args: Any, **options: Any) -> None:
        user, is_new = User.objects.get_or_create(username=options["name"], defaults={"is_staff": options["staff"]})
        if not user.is_active:
            raise CommandError(f"{user.username} may not sign in.")
        said: dict[str, str] = {"user": user.username}
        if is_new:
            said["password"] = secrets.token_urlsafe(12)
            user.set_password(said["password"])
            user.save(update_fields=["password"])
        if options["token"]:
            said["token"] = AuthToken.objects.create(user=user)[1]
        if options["login_link"]:
            said["login_path"] = reverse("login-link") + get_query_string(user)
        self.stdout.write(json.dumps(said))
