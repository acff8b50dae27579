"""What holds for all pages: nothing inline that a strict policy forbids, nothing from elsewhere, calm errors."""

import pytest
from django.test import Client
from django.urls import path

from core.errors import UpstreamUnavailable
from dpe_site.urls import urlpatterns as site
from tests.pages.asking import where
from tests.pages.rows import make_round


@pytest.fixture
def places(campaign):
    round = make_round(campaign, "decide")
    slug, number = where(round)
    return {"slug": slug, "number": number}


def test_only_the_page_with_curves_widens_the_policy_and_by_hashes(admin, places):
    strict = admin.get("/jobs/").headers["Content-Security-Policy"]
    figures = admin.get(f"/campaigns/{places['slug']}/rounds/{places['number']}/").headers["Content-Security-Policy"]
    assert "style-src 'self';" in f"{strict};"
    assert figures.count("'sha256-") == 2
    assert "unsafe" not in strict + figures


def busy(request):
    raise UpstreamUnavailable("The planner at http://127.0.0.1:9 did not answer.")


def broken(request):
    raise RuntimeError("a secret detail")


urlpatterns = [path("busy", busy), path("broken", broken), *site]


@pytest.mark.urls("tests.pages.test_every_page")
def test_an_error_page_says_what_happened_and_whether_waiting_helps(admin):
    answer = admin.get("/busy")
    assert answer.status_code == 503
    assert b"The planner at" in answer.content
    assert b"Waiting helps" in answer.content


@pytest.mark.urls("tests.pages.test_every_page")
def test_a_bug_shows_a_calm_page_without_details(admin):
    admin.raise_request_exception = False
    answer = admin.get("/broken")
    assert answer.status_code == 500
    assert b"A fault of ours" in answer.content
    assert b"secret" not in answer.content


def test_an_address_that_does_not_exist_leads_back(admin):
    answer = admin.get("/no/such/page")
    assert answer.status_code == 404
    assert b"There is nothing here" in answer.content


def test_a_form_without_its_token_changes_nothing(campaign):
    client = Client(enforce_csrf_checks=True)
    client.force_login(campaign.created_by)
    answer = client.post(f"/campaigns/{campaign.slug}/rounds/start")
    assert answer.status_code == 403
    assert b"nothing was changed" in answer.content
