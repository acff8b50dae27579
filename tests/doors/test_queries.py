"""How much every page asks the database: a committed number a page, the same however much there is to show."""

import json
import os
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.doors.every import PAGES
from tests.doors.world import World, make_world

BASELINE = Path(__file__).with_name("queries.json")


def queries_asked(world: World) -> dict[str, int]:
    """Queries of every page as the campaign's admin, the session's two among them."""
    client = Client()
    client.force_login(world.people["admin"])
    asked = {}
    for door in PAGES:
        address = reverse(door.name, kwargs=door.args(world))
        with CaptureQueriesContext(connection) as seen:
            answer = client.get(address)
        assert answer.status_code in (200, 302), (door, answer.status_code)
        asked[door.name] = len(seen)
    return asked


@pytest.mark.django_db
def test_no_page_asks_more_than_its_committed_number():
    """Raise a number in queries.json only with a reason; WRITE_BASELINE=1 writes what is asked now."""
    asked = queries_asked(make_world())
    if os.environ.get("WRITE_BASELINE") == "1":
        BASELINE.write_text(json.dumps(asked, indent=1, sort_keys=True) + "\n")
    allowed = json.loads(BASELINE.read_text())
    assert {name: asked[name] for name in asked if asked[name] > allowed.get(name, 0)} == {}
    assert set(allowed) == set(asked)


@pytest.mark.django_db
def test_no_page_asks_more_when_there_is_more_to_show():
    few = queries_asked(make_world())
    many = queries_asked(make_world(num_items=6, total=66, num_steps=9))
    assert {name: (few[name], many[name]) for name in few if many[name] > few[name]} == {}
