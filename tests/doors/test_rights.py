"""The permission matrix: every role at every door, generated from the tables, complete by the site's own routes."""

import re

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.doors.every import DOORS, ELSEWHERE, routes
from tests.doors.table import Door
from tests.doors.world import ROLES, World, make_world

REFUSED = (401, 403, 404)
PEOPLE = ("nobody", "stranger", *ROLES)
# Said once more, and not read from core.access: a right given to a role by mistake must be seen here.
RIGHTS = {
    "viewer": {"view"},
    "curator": {"view", "curate"},
    "researcher": {"view", "curate", "research"},
    "approver": {"view", "curate", "research", "approve"},
    "admin": {"view", "curate", "research", "approve", "admin"},
}


@pytest.fixture
def world(db) -> World:
    return make_world()


def ask(world: World, client: Client, door: Door) -> HttpResponse:
    """What the door answers this person; whatever it did is undone."""
    with transaction.atomic():
        address, form = reverse(door.name, kwargs=door.args(world)), door.body(world)
        as_json = {"content_type": "application/json"} if door.is_api and door.method != "get" else {}
        answer = getattr(client, door.method)(address, form, headers=door.headers(world), **as_json)
        transaction.set_rollback(True)
    return answer


def may(role: str, right: str) -> bool:
    """What the tables say."""
    if right == "anyone":
        return True
    return role != "nobody" and (right == "person" or right in RIGHTS.get(role, ()))


def is_let_in(answer: HttpResponse) -> bool:
    """Whether the person got what the door is for; a page sends nobody to sign in."""
    return answer.status_code < 400 and not answer.headers.get("Location", "").startswith("/login/")


def was_refused(answer: HttpResponse) -> bool:
    """Whether the person was turned away, and learnt nothing."""
    return answer.status_code in REFUSED or answer.headers.get("Location", "").startswith("/login/")


def said(answer: HttpResponse) -> str:
    """The sentence of an error page or a problem answer."""
    text = "" if answer.streaming else answer.content.decode(errors="replace")
    lead = re.search(r'class="lead">(.*?)</p>', text, re.S)
    return " ".join((lead[1] if lead else text).split())[:300]


def test_every_route_and_method_of_the_site_stands_in_the_tables():
    listed = {(door.name, door.method) for door in DOORS}
    names = {name for name, _ in listed} | ELSEWHERE
    missing = [f"{method} {name}" for name, method in routes() if (name, method) not in listed and method != "?"]
    assert missing == []
    assert [name for name, _ in routes() if name not in names] == []


@pytest.mark.parametrize("role", PEOPLE)
def test_every_door_opens_for_exactly_those_who_have_the_right(world, role):
    client = Client(raise_request_exception=False)
    if role != "nobody":
        client.force_login(world.people[role])
    wrong = []
    for door in DOORS:
        answer = ask(world, client, door)
        is_right = is_let_in(answer) if may(role, door.right) else was_refused(answer)
        if not is_right:
            wrong.append(f"{door}: {answer.status_code} {said(answer)}")
    assert not wrong, "\n".join(wrong)
