"""Caps on the pages: who may set them, what a bad one says, and where a paused job leads."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from core.domain.budget import Spend
from core.models import Budget, Job
from datagen.domain.forecast import forecast
from datagen.tries import scope_of
from tests.factories import make_job, make_member
from tests.pages.rows import make_full_campaign, make_round

pytestmark = pytest.mark.django_db


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def settings_url(campaign) -> str:
    return reverse("campaign-settings", args=[campaign.slug])


@pytest.fixture
def campaign():
    return make_full_campaign()


def mixture_waiting(campaign):
    make_round(campaign, "approve")
    return campaign.mixtures.get()


def make_paused(campaign, **fields) -> Job:
    message = (
        "The cap of 10.00 money on the campaign is reached: 9.99 money spent, and the next call may take 0.50 money."
    )
    return make_job(
        campaign=campaign, kind="generate", queue="agents", status="paused", error_code="budget_spent",
        error_message=message, **fields,
    )  # fmt: skip


def test_an_admin_sets_caps_and_takes_them_away(campaign):
    client = client_of(campaign.created_by)
    client.post(
        reverse("budget-set", args=[campaign.slug]), {"money": "12.5", "tokens": "", "calls": "7", "hours": ".5"}
    )
    row = Budget.objects.get(campaign=campaign, scope="")
    assert (row.cap_money, row.cap_tokens, row.cap_calls, row.cap_seconds) == (Decimal("12.5"), None, 7, 1800)
    page = client.get(settings_url(campaign)).content.decode()
    assert 'value="12.5"' in page and 'value="0.5"' in page
    client.post(reverse("budget-set", args=[campaign.slug]), {})
    row.refresh_from_db()
    assert (row.cap_money, row.cap_calls, row.cap_seconds) == (None, None, None)


def test_a_cap_that_is_no_number_is_named_and_nothing_is_set(campaign):
    answer = client_of(campaign.created_by).post(reverse("budget-set", args=[campaign.slug]), {"money": "lots"})
    assert answer.status_code == 400 and "Enter a number" in answer.content.decode()
    assert not Budget.objects.exclude(cap_money=None).exists()


def test_who_may_not_set_caps_sees_them_all_the_same(campaign):
    client_of(campaign.created_by).post(reverse("budget-set", args=[campaign.slug]), {"money": "12.5"})
    page = client_of(make_member(campaign, "viewer")).get(settings_url(campaign)).content.decode()
    assert "12.50 money" in page and "Set caps" not in page


def test_a_job_that_paused_at_a_cap_is_told_beside_the_caps_with_its_resume_button(campaign):
    job = make_paused(campaign)
    page = client_of(campaign.created_by).get(settings_url(campaign)).content.decode()
    assert "9.99 money spent" in page and reverse("job-resume", args=[job.pk]) in page


def test_a_job_that_paused_at_a_cap_leads_to_the_form(campaign):
    mixture = mixture_waiting(campaign)
    client = client_of(campaign.created_by)
    plain, of_mixture = make_paused(campaign), make_paused(campaign, spec={"mixture_id": mixture.pk})
    page = client.get(reverse("job-detail", args=[plain.pk])).content.decode()
    assert f"{settings_url(campaign)}#budget" in page and "9.99 money spent" in page
    page = client.get(reverse("job-detail", args=[of_mixture.pk])).content.decode()
    assert reverse("mixture-detail", args=[campaign.slug, mixture.pk]) + "#budget" in page


def test_a_mixture_that_waits_for_approval_says_what_it_may_cost_beside_its_caps(campaign):
    mixture = mixture_waiting(campaign)
    client = client_of(make_member(campaign, "approver"))
    client.post(reverse("mixture-budget", args=[campaign.slug, mixture.pk]), {"calls": "900"})
    assert Budget.objects.get(scope=scope_of(mixture.pk)).cap_calls == 900
    page = client.get(reverse("mixture-detail", args=[campaign.slug, mixture.pk])).content.decode()
    assert 'value="900"' in page and "What it may cost is unknown" in page
    bad = client.post(reverse("mixture-budget", args=[campaign.slug, mixture.pk]), {"calls": "-1"})
    assert bad.status_code == 400


def test_a_forecast_scales_what_ended_slots_took_and_names_what_it_does_not_know():
    history = {"planner": Spend(Decimal("0.30"), 3000, 30), "validator": Spend(Decimal("0.10"), 100, 15)}
    found = forecast(["planner", "editor", "validator"], history, num_slots=10, total=25)
    assert [line.spend and line.spend.calls for line in found.lines] == [75, None, 38]
    assert found.known == Spend(Decimal("1.00"), 7750, 113)
    assert found.unknown == ("editor",)
    assert forecast(["planner"], history, num_slots=0, total=25).unknown == ("planner",)


def test_the_live_page_shows_what_is_spent_of_each_cap(campaign):
    mixture = mixture_waiting(campaign)
    page = reverse("mixture-live", args=[campaign.slug, mixture.pk])
    client = client_of(campaign.created_by)
    assert "burn-title" not in client.get(page).content.decode(), "nothing is spent and nothing is capped"
    client.post(reverse("mixture-budget", args=[campaign.slug, mixture.pk]), {"calls": "900"})
    told = client.get(page).content.decode()
    assert "900 calls" in told and f"mixture #{mixture.pk}" in told, told[told.index("burn-title") :][:1800]
