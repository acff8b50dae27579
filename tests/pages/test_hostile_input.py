"""What comes from outside and is none of our forms: a clear answer, and rights are asked before anything is read."""

import pytest
from django.urls import reverse

from datagen.models import Sample
from tests.pages.asking import page, send
from tests.pages.rows import make_checkpoint, make_mixture, make_report, make_round, make_run, make_samples
from training.models import Round

DIGITS = "9" * 5000  # more than Python itself reads as a number


@pytest.mark.parametrize(
    ("name", "query"),
    [("mixture-list", "before"), ("sample-queue", "mixture"), ("report-list", "before"), ("call-list", "before")],
)
def test_thousands_of_digits_in_an_address_are_no_number(admin, campaign, name, query):
    html = page(admin, name, campaign.slug, query=f"?{query}={DIGITS}", status=400)
    assert f"{query} must be a number." in html


def test_thousands_of_digits_in_a_cursor_or_a_form_are_no_number(admin, campaign):
    page(admin, "sample-queue", campaign.slug, query=f"?after=held.{DIGITS}", status=400)
    assert send(admin, "round-start", campaign.slug, checkpoint=DIGITS) == 404
    assert send(admin, "sample-decide-many", campaign.slug, decision="reject", sample=DIGITS) == 302
    assert admin.post(reverse("token-list"), {"days": DIGITS}).status_code < 500
    assert not Round.objects.exists()


def test_an_import_of_something_unknown_is_told(admin, campaign):
    assert send(admin, "campaign-inputs", campaign.slug, kind="planet", path="x") == 400


@pytest.mark.parametrize("name", ["campaign-settings", "endpoint-list", "campaign-inputs", "member-set"])
def test_who_may_only_look_is_refused_before_the_form_is_read(as_role, campaign, name):
    assert send(as_role("viewer"), name, campaign.slug) == 403


@pytest.mark.parametrize("name", ["round-send-back", "round-decide", "round-redo"])
def test_rights_are_asked_before_what_was_typed_into_a_round(as_role, campaign, name):
    round = make_round(campaign, "decide")
    assert send(as_role("curator"), name, campaign.slug, round.number) == 403


@pytest.mark.parametrize("name", ["sample-decide", "sample-undo"])
def test_rights_are_asked_before_what_was_typed_about_a_sample(as_role, campaign, name):
    mixture = make_mixture(make_report(make_run(campaign, make_checkpoint(campaign, "judged"))), total=30)
    make_samples(mixture)
    sample = Sample.objects.filter(slot__mixture=mixture).earliest("pk")
    assert send(as_role("viewer"), name, campaign.slug, sample.pk, decision="nonsense") == 403


@pytest.mark.parametrize(("name", "query"), [("sample-queue", "?skill=%00"), ("call-list", "?role=a%00")])
def test_the_character_nul_is_refused_before_it_meets_a_database(admin, campaign, name, query):
    assert "NUL" in page(admin, name, campaign.slug, query=query, status=400)


def test_the_character_nul_in_a_comment_is_refused_on_the_page_and_by_rest(admin, campaign):
    round = make_round(campaign, "approve")
    assert send(admin, "round-send-back", campaign.slug, round.number, comment="a\0b") == 400
    url = reverse("api-round-send-back", args=[campaign.slug, round.number])
    answer = admin.post(url, {"comment": "a\0b"}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
