"""The third door of the permission matrix: every role, with and without the staff mark, at every list of the admin."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from datagen.models import CandidateSample, Sample
from tests.doors.world import ROLES, World, make_world

CURATORS = ("curator", "researcher", "approver", "admin")


@pytest.fixture
def world(db) -> World:
    return make_world()


def lists() -> dict[type, str]:
    """The address of every registered model's list."""
    return {
        model: reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    }


def client_of(user: User, *, staff: bool, superuser: bool = False) -> Client:
    User.objects.filter(pk=user.pk).update(is_staff=staff, is_superuser=superuser)
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.mark.parametrize("role", ["stranger", *ROLES])
def test_without_the_staff_mark_no_role_opens_the_admin_and_with_it_only_the_queue(world, role):
    person = world.people[role]
    outside, inside = client_of(person, staff=False), None
    for address in lists().values():
        assert outside.get(address)["Location"].startswith("/admin/login/"), address
    inside = client_of(person, staff=True)
    seen = {model for model, address in lists().items() if inside.get(address).status_code == 200}
    assert seen == {CandidateSample}


@pytest.mark.parametrize("role", ["stranger", *ROLES])
def test_staff_decide_about_samples_only_with_the_right_in_their_campaign(world, role):
    held = Sample.objects.filter(slot__mixture__campaign=world.campaign("dataset"), status__in=["held", "rejected"])
    sample = held.exclude(slot__status="filled").first()
    client = client_of(world.people[role], staff=True)
    form = {"action": "samples_accept", "_selected_action": [sample.pk], "comment": "fine", "apply": "1"}
    client.post(reverse("admin:datagen_candidatesample_changelist"), {**form, "decision": "accept"})
    sample.refresh_from_db()
    assert (sample.status == "accepted") == (role in CURATORS)


def test_a_superuser_sees_every_list_and_changes_none_of_ours(world):
    client = client_of(world.people["admin"], staff=True, superuser=True)
    for model, address in lists().items():
        assert client.get(address).status_code == 200, model
        if model._meta.app_label in ("core", "diagnostics", "datagen", "training"):
            assert client.get(f"{address}add/").status_code == 403, model
