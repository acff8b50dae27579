"""The admin shows rows of the diagnosis and finds no way round the services."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import admin_base
from diagnostics.models import Checkpoint
from tests.diagnostics.makers import make_answers, make_checkpoint, make_items, make_run
from tests.factories import make_campaign, make_user

pytestmark = pytest.mark.django_db
MODELS = [model for model in apps.get_app_config("diagnostics").get_models() if model in admin.site._registry]


@pytest.fixture
def client():
    client = Client()
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def run():
    campaign = make_campaign()
    items = make_items(campaign, "count", 3)
    return make_answers(make_run(campaign, items), dict.fromkeys(items, "r"))


def url_of(model, rest: str = "") -> str:
    return f"/admin/diagnostics/{model._meta.model_name}/{rest}"


def test_the_models_that_people_look_for_are_shown():
    assert {model.__name__ for model in MODELS} >= {"Checkpoint", "Benchmark", "Item", "AnswerRun", "Verdict", "Report"}


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_added_changed_or_deleted_by_anybody(client, run, model):
    before = list(model.objects.values())
    assert client.get(url_of(model)).status_code == 200
    assert client.get(url_of(model, "add/")).status_code == 403
    for row in model.objects.all()[:1]:
        assert client.get(url_of(model, f"{row.pk}/change/")).status_code == 200
        assert client.post(url_of(model, f"{row.pk}/change/"), {"name": "hacked"}).status_code == 403
        assert client.post(url_of(model, f"{row.pk}/delete/"), {"post": "yes"}).status_code == 403
        client.post(url_of(model), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
    assert list(model.objects.values()) == before


@pytest.mark.parametrize("model", MODELS)
def test_a_list_never_counts_a_table(client, run, model):
    with CaptureQueriesContext(connection) as queries:
        client.get(url_of(model))
    assert not [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]


def test_a_long_list_ends_at_a_bound(client, monkeypatch):
    monkeypatch.setattr(admin_base, "MAX_LISTED", 60)
    campaign = make_campaign()
    for _ in range(70):
        make_checkpoint(campaign)
    newest = Checkpoint.objects.order_by("-pk").first()
    page = client.get(url_of(Checkpoint))
    assert newest.content_hash in page.text
    assert page.context["cl"].result_count == 60
    assert client.get(url_of(Checkpoint, "?p=2")).status_code == 200
