"""Every admin of every app: nothing can be added, changed or deleted there but accounts, which are Django's own."""

import pytest
from django.contrib import admin
from django.test import Client

from core.admin_base import ReadOnlyAdmin
from tests.factories import make_user
from tests.pages.rows import make_full_campaign, make_round

pytestmark = pytest.mark.django_db
OURS = {"core", "diagnostics", "datagen", "training"}
ACCOUNTS = {"auth.user", "knox.authtoken"}
MODELS = [model for model in admin.site._registry if model._meta.app_label in OURS]


@pytest.fixture
def client():
    client = Client()
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def rows():
    """A campaign with a row of almost every model."""
    campaign = make_full_campaign()
    make_round(campaign, "decide")
    return campaign


def test_only_accounts_are_not_ours():
    others = {model._meta.label_lower for model in admin.site._registry if model._meta.app_label not in OURS}
    assert others == ACCOUNTS
    assert all(isinstance(admin.site._registry[model], ReadOnlyAdmin) for model in MODELS)


def test_groups_are_offered_nowhere_and_accounts_are_made_and_changed(client):
    html = client.get("/admin/auth/user/").content.decode()
    assert "auth/group" not in html and "By groups" not in html
    made = {"username": "new", "usable_password": "true", "password1": "Rarely-5een", "password2": "Rarely-5een"}
    address = client.post("/admin/auth/user/add/", made)["Location"]
    page = client.get(address).content.decode()
    assert "id_is_superuser" in page and "id_groups" not in page


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_admin_is_a_way_round_the_services(client, rows, model):
    home = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    before = list(model.objects.order_by("pk").values())
    assert client.get(home).status_code == 200
    assert {client.get(f"{home}add/").status_code, client.post(f"{home}add/", {}).status_code} == {403}
    for row in admin.site._registry[model].get_queryset(request_of(client))[:1]:
        assert client.get(f"{home}{row.pk}/change/").status_code == 200
        assert client.post(f"{home}{row.pk}/change/", {"status": "accepted", "name": "x"}).status_code == 403
        assert client.post(f"{home}{row.pk}/delete/", {"post": "yes"}).status_code == 403
        client.post(home, {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
        client.post(home, {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": row.pk, "_save": "Save"})
    assert list(model.objects.order_by("pk").values()) == before


def request_of(client):
    return client.get("/admin/").wsgi_request
