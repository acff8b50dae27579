"""The mixture's page: exact quotas and their reasons, shares to change, and whom the approver trusts."""

import re

import pytest
from django.test import Client

from core.models import Campaign
from datagen.models import Mixture
from tests.doors.test_pages import INLINE
from tests.factories import make_member, make_user
from tests.pages.asking import page, part, send
from tests.pages.rows import make_mixture, make_round
from training.models import RoundStage


@pytest.fixture
def round(campaign):
    return make_round(campaign, "approve", total=100)


@pytest.fixture
def mixture(round) -> Mixture:
    return round.campaign.mixtures.get()


def place(mixture: Mixture) -> tuple[str, int]:
    return mixture.campaign.slug, mixture.pk


def form(mixture: Mixture, **changes: str) -> dict[str, str]:
    """The form as the page sends it; ``count="40"`` types 40 for that skill, ``lock_count="1"`` locks it."""
    rows = list(mixture.rows.order_by("id"))
    pks = {row.skill.replace(" ", "_"): row.pk for row in rows}
    replay = sum(row.quota for row in rows if row.purpose == "replay")
    sent = {"manifest_hash": mixture.manifest_hash, "replay": str(replay), "replay-was": str(replay)}
    for row in rows:
        sent |= {f"was-{row.pk}": str(row.quota), f"share-{row.pk}": str(row.quota), f"purpose-{row.pk}": row.purpose}
    for name, value in changes.items():
        kind, _, skill = name.partition("_") if name.startswith(("lock_", "purpose_")) else ("share", "", name)
        sent[f"{kind}-{pks[skill]}" if skill in pks else name] = value
    return sent


def quotas(mixture: Mixture) -> dict[str, int]:
    return dict(mixture.rows.order_by("id").values_list("skill", "quota"))


def shown(html: str) -> list[int]:
    return [int(text) for text in re.findall(r"<output id=\"quota-[^>]*>\s*([\d,]+)", html)]


def hash_on(html: str) -> str:
    return re.search(r'id="mixture-hash">([0-9a-f]{64})', html).group(1)


def test_the_page_shows_quotas_reasons_evidence_and_the_hash(as_role, mixture):
    html = page(as_role("viewer"), "mixture-detail", *place(mixture))
    assert mixture.manifest_hash in html
    assert "38 of 200 right" in html
    assert "19.0%" in html
    assert "not enough data" in html
    assert "mixture-form" not in html
    assert "Approve 100 samples" not in html


def test_the_list_leads_to_every_mixture_and_its_round(as_role, campaign, mixture):
    html = page(as_role("viewer"), "mixture-list", campaign.slug)
    assert f"Mixture #{mixture.pk}" in html
    assert "Round 1" in html
    assert 'aria-current="page">Mixtures' in html


def test_the_editor_holds_no_inline_script_or_style(admin, mixture):
    html = page(admin, "mixture-detail", *place(mixture))
    assert "mixture-form" in html
    assert not INLINE.search(html)


def test_an_empty_list_says_where_mixtures_come_from(admin, campaign):
    assert "No mixture yet" in page(admin, "mixture-list", campaign.slug)


def test_a_preview_shows_the_quotas_and_the_hash_that_saving_stores(as_role, mixture):
    researcher = as_role("researcher")
    sent = form(mixture, count="40", lock_colour="1")
    tried = researcher.post(f"/campaigns/{mixture.campaign.slug}/mixtures/{mixture.pk}/try", sent).content.decode()
    assert "not saved" in tried
    assert Mixture.objects.get(pk=mixture.pk).manifest_hash == mixture.manifest_hash
    before = quotas(mixture)
    assert send(researcher, "mixture-save", *place(mixture), **sent) == 302
    mixture.refresh_from_db()
    assert (hash_on(tried), shown(tried)) == (mixture.manifest_hash, list(quotas(mixture).values()))
    assert (quotas(mixture)["count"], quotas(mixture)["colour"]) == (40, before["colour"])
    assert sum(quotas(mixture).values()) == 100


def test_htmx_gets_only_the_parts_that_changed(as_role, mixture):
    sent = form(mixture, count="40")
    client = as_role("researcher")
    address = f"/campaigns/{mixture.campaign.slug}/mixtures/{mixture.pk}/try"
    html = client.post(address, sent, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in html
    assert html.count("hx-swap-oob") == 12
    assert sum(shown(html)) == 100


def test_what_was_tried_is_the_start_of_the_next_try(as_role, mixture):
    client, address = as_role("researcher"), f"/campaigns/{mixture.campaign.slug}/mixtures/{mixture.pk}/try"
    html = client.post(address, form(mixture, count="0")).content.decode()
    sent = form(mixture) | dict(re.findall(r'name="((?:was|share|replay)[^"]*)"[^>]*?value="(\d+)"', html))
    typed = form(mixture, colour="50", lock_count="1")
    sent |= {name: value for name, value in typed.items() if value == "50" or name.startswith("lock")}
    assert send(client, "mixture-save", *place(mixture), **sent) == 302
    assert (quotas(mixture)["count"], quotas(mixture)["colour"]) == (0, 50)


def test_the_replay_share_moves_both_groups(as_role, mixture):
    assert send(as_role("researcher"), "mixture-save", *place(mixture), **form(mixture, replay="50")) == 302
    replayed = sum(row.quota for row in mixture.rows.filter(purpose="replay"))
    assert replayed == 50


def test_a_weak_skill_that_is_only_replayed_is_warned_about(as_role, mixture):
    client, sent = as_role("researcher"), form(mixture, purpose_count="replay")
    assert "count is shown weak, but replay" not in page(client, "mixture-detail", *place(mixture))
    assert send(client, "mixture-save", *place(mixture), **sent) == 302
    html = page(client, "mixture-detail", *place(mixture))
    assert "count is shown weak, but replay" in html
    assert "replay instead of target" in html


def test_back_to_the_proposal_restores_the_hash(as_role, mixture):
    client, proposed = as_role("researcher"), mixture.manifest_hash
    send(client, "mixture-save", *place(mixture), **form(mixture, count="40"))
    mixture.refresh_from_db()
    assert send(client, "mixture-back", *place(mixture), manifest_hash=mixture.manifest_hash) == 302
    mixture.refresh_from_db()
    assert mixture.manifest_hash == proposed


@pytest.mark.parametrize("value", ["many", "-1", "nan", "1e999", ""])
def test_what_is_no_number_of_samples_changes_nothing_and_says_which_skill(as_role, mixture, value):
    client = as_role("researcher")
    assert send(client, "mixture-save", *place(mixture), **form(mixture, count=value)) == 400
    address = f"/campaigns/{mixture.campaign.slug}/mixtures/{mixture.pk}/try"
    html = client.post(address, form(mixture, count=value), headers={"HX-Request": "true"}).content.decode()
    assert "count: its samples must be" in html
    assert Mixture.objects.get(pk=mixture.pk).manifest_hash == mixture.manifest_hash


def test_an_approver_with_the_old_page_open_is_told_and_approves_nothing(as_role, round, mixture):
    approver = as_role("approver")
    assert "Approve 100 samples" in page(approver, "mixture-detail", *place(mixture))
    send(as_role("researcher"), "mixture-save", *place(mixture), **form(mixture, count="40"))
    old = {"manifest_hash": mixture.manifest_hash}
    assert send(approver, "round-approve", mixture.campaign.slug, round.number, **old) == 409
    assert RoundStage.objects.get(round=round, status="open").stage == "approve"


def test_the_page_of_a_decided_mixture_offers_nothing_to_change(admin, campaign):
    mixture = make_mixture(make_round(campaign, "mixture").campaign.reports.get(), 100, "approved")
    html = page(admin, "mixture-detail", *place(mixture))
    assert "mixture-form" not in html
    assert send(admin, "mixture-save", *place(mixture), **form(mixture, count="40")) == 409


def test_who_may_not_research_or_does_not_belong_changes_nothing(as_role, mixture):
    for role in ("viewer", "curator", "stranger"):
        assert send(as_role(role), "mixture-save", *place(mixture), **form(mixture, count="40")) == 403
    page(as_role("stranger"), "mixture-detail", *place(mixture), status=403)
    assert Mixture.objects.get(pk=mixture.pk).manifest_hash == mixture.manifest_hash


def two_persons(campaign: Campaign) -> None:
    campaign.settings["mixture"]["two_persons"] = True
    campaign.save()


def test_where_two_persons_must_agree_who_started_or_edited_sees_why(as_role, admin, round, mixture):
    two_persons(round.campaign)
    hashes = {"manifest_hash": mixture.manifest_hash}
    assert "You started this round" in page(admin, "mixture-detail", *place(mixture))
    assert "You started this round" in page(admin, "round-detail", mixture.campaign.slug, round.number)
    assert send(admin, "round-approve", mixture.campaign.slug, round.number, **hashes) == 403
    editor = as_role("approver")
    send(editor, "mixture-save", *place(mixture), **form(mixture, count="40"))
    html = page(editor, "mixture-detail", *place(mixture))
    assert "You edited this mixture" in html
    assert "Approve 100 samples" not in html
    assert "Approve 100 samples" in page(as_role("approver"), "mixture-detail", *place(mixture))


def test_a_name_with_markup_is_escaped_in_notes(campaign, mixture):
    person, client = make_member(campaign, "researcher", make_user("<b>eve</b>")), Client()
    client.force_login(person)
    send(client, "mixture-save", *place(mixture), **form(mixture, count="40"))
    assert "<b>eve" not in page(client, "mixture-detail", *place(mixture))


def test_pages_cost_the_same_queries_for_many_rows(admin, campaign, mixture, django_assert_max_num_queries):
    with django_assert_max_num_queries(26) as few:
        page(admin, "mixture-detail", *place(mixture))
        page(admin, "mixture-list", campaign.slug)
    for number in range(30):
        row = mixture.rows.first()
        row.pk, row.skill = None, f"skill {number}"
        row.save()
        make_mixture(mixture.report)
    with django_assert_max_num_queries(26) as many:
        page(admin, "mixture-detail", *place(mixture))
        html = page(admin, "mixture-list", campaign.slug)
    assert len(few) == len(many)
    assert html.count('<th scope="row">') == 25
    older = html.split("?before=")[1].split('"')[0]
    assert page(admin, "mixture-list", campaign.slug, query=f"?before={older}").count('<th scope="row">') == 6


def test_the_round_leads_to_the_editor(as_role, round, mixture):
    html = part(as_role("researcher"), "mixture", "round-detail", mixture.campaign.slug, round.number)
    assert f"/mixtures/{mixture.pk}/" in html
    assert "change some before it is approved" in html
