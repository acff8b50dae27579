"""What holds for all pages: nothing inline that a strict policy forbids, nothing from elsewhere, one title."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from tests.doors.every import PAGES
from tests.doors.world import make_world

INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<[^>]+\son\w+=|<style|<[^>]+\sstyle=|javascript:", re.I
)
ELSEWHERE = re.compile(r'(?:src|href|action)="(?:https?:)?//(?!testserver)', re.I)


@pytest.mark.django_db
def test_no_page_has_inline_script_or_style_or_anything_from_elsewhere():
    world = make_world()
    client = Client()
    client.force_login(world.people["admin"])
    for door in PAGES:
        if door.is_file or door.right == "anyone":
            continue
        html = client.get(reverse(door.name, kwargs=door.args(world))).content.decode()
        assert not INLINE.search(html), (door, INLINE.search(html))
        assert not ELSEWHERE.search(html), (door, ELSEWHERE.search(html))
        assert html.count("<h1") == 1 and '<main id="main"' in html, door
        assert re.search(r"<title>[^<]+ · DPE Studio</title>|<title>DPE Studio</title>", html), door
