"""Signed-in clients for pages."""

import pytest
from django.test import Client

from core.models import Campaign
from tests.factories import make_member
from tests.pages.rows import make_full_campaign


@pytest.fixture
def campaign(db) -> Campaign:
    return make_full_campaign()


@pytest.fixture
def as_role(campaign):
    """A client of a new member with that role; ``stranger`` belongs to nothing."""

    def client_of(role: str) -> Client:
        from tests.factories import make_user

        user = make_user() if role == "stranger" else make_member(campaign, role)
        client = Client()
        client.force_login(user)
        return client

    return client_of


@pytest.fixture
def admin(campaign) -> Client:
    client = Client()
    client.force_login(campaign.created_by)
    return client
