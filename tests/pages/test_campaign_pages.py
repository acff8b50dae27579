"""Campaign pages: where each round stands, what is missing, and the button for the next round."""

import re

import pytest

from core.models import Job
from tests.factories import make_campaign, make_user
from tests.pages.asking import page, part, send, where
from tests.pages.rows import end_round, make_full_campaign, make_round
from training.models import Evaluation, Round


def test_the_list_shows_only_campaigns_of_this_person(as_role, campaign):
    other = make_full_campaign()
    html = page(as_role("viewer"), "campaign-list")
    assert f"/campaigns/{campaign.slug}/" in html
    assert other.slug not in html


def test_a_person_without_campaigns_is_told_how_to_make_one(as_role):
    assert "You are in no campaign yet" in page(as_role("stranger"), "campaign-list")


def test_the_list_asks_for_itself_only_while_a_round_is_open(admin, campaign):
    assert "hx-get" not in page(admin, "campaign-list")
    round = make_round(campaign, "train")
    html = page(admin, "campaign-list")
    assert "every 5s" in html
    assert "Train" in html
    end_round(round, "rejected")
    assert "hx-get" not in part(admin, "campaigns", "campaign-list")


def test_an_empty_campaign_names_what_is_missing(client, db):
    person = make_user()
    campaign = make_campaign(actor=person)
    client.force_login(person)
    html = page(client, "campaign-detail", campaign.slug)
    assert "Still missing: a checkpoint, a benchmark, a pool of pictures, endpoints" in html
    assert "Start round" not in html


def test_the_next_round_is_offered_to_researchers_and_starts(as_role, campaign):
    assert "Start round 1" not in page(as_role("viewer"), "campaign-detail", campaign.slug)
    researcher = as_role("researcher")
    assert "Start round 1" in page(researcher, "campaign-detail", campaign.slug)
    make_items(campaign)
    assert send(researcher, "round-start", campaign.slug, checkpoint="") == 302
    assert Job.objects.get(campaign=campaign, status="waiting").kind == "answer_run"
    assert "Start round" not in page(researcher, "campaign-detail", campaign.slug)


def make_items(campaign):
    round = make_round(campaign, "diagnose")
    round.delete()
    Job.objects.filter(campaign=campaign).delete()


def test_who_may_only_look_cannot_start_a_round(as_role, campaign):
    assert send(as_role("viewer"), "round-start", campaign.slug) == 403
    assert send(as_role("stranger"), "round-start", campaign.slug) == 403
    assert not Round.objects.exists()


def test_a_checkpoint_of_another_campaign_starts_nothing(admin, campaign):
    other = make_full_campaign()
    assert send(admin, "round-start", campaign.slug, checkpoint=str(other.checkpoints.get().pk)) == 404
    assert send(admin, "round-start", campaign.slug, checkpoint="x") == 404


def test_the_curve_joins_parent_and_child_of_every_evaluated_round(admin, campaign):
    end_round(make_round(campaign, "decide"), "promoted")
    html = page(admin, "campaign-detail", campaign.slug)
    assert 'aria-label="round 1: 66.4% to 80.2%"' in html
    assert "+13.8" in html
    assert "hx-get" not in html


def test_rounds_ask_for_themselves_while_one_is_open(admin, campaign):
    make_round(campaign, "train")
    alone = part(admin, "rounds", "campaign-detail", campaign.slug)
    assert re.search(r'id="rounds"[^>]*every 3s', alone, re.DOTALL)
    assert "<html" not in alone


def test_a_campaign_with_many_rounds_costs_the_same_queries(admin, campaign, django_assert_max_num_queries):
    end_round(make_round(campaign, "decide"), "promoted")
    with django_assert_max_num_queries(18) as few:
        page(admin, "campaign-detail", campaign.slug)
    add_rounds(campaign, 5)
    with django_assert_max_num_queries(18) as many:
        page(admin, "campaign-detail", campaign.slug)
    assert len(few) == len(many)


def add_rounds(campaign, number: int) -> None:
    """Ended rounds that were evaluated by the first round's runs."""
    first = Evaluation.objects.select_related("round").get(round__campaign=campaign)
    for n in range(2, 2 + number):
        round = Round.objects.create(
            campaign=campaign,
            number=n,
            parent=first.round.parent,
            started_by=campaign.created_by,
            decision="promoted",
            ended_at=first.round.ended_at,
        )
        Evaluation.objects.create(
            round=round, before=first.before, after=first.after, margin=0.03, verdict="promote", result=first.result
        )


def test_a_list_of_many_campaigns_costs_the_same_queries(client, db, django_assert_max_num_queries):
    person = make_user()
    client.force_login(person)
    make_round(make_full_campaign(actor=person), "train")
    with django_assert_max_num_queries(8) as few:
        page(client, "campaign-list")
    for _ in range(3):
        make_round(make_full_campaign(actor=person), "diagnose")
    with django_assert_max_num_queries(8) as many:
        page(client, "campaign-list")
    assert len(few) == len(many)


@pytest.mark.parametrize(("name", "tab"), [("campaign-detail", "Overview"), ("round-detail", "Overview")])
def test_pages_of_a_campaign_have_its_tabs(admin, campaign, name, tab):
    round = make_round(campaign, "approve")
    place = where(round) if name == "round-detail" else (campaign.slug,)
    assert f'aria-current="page">{tab}</a>' in page(admin, name, *place)


def test_samples_of_a_mixture_stand_below_the_tab_of_samples(admin, campaign):
    round = make_round(campaign, "approve")
    html = page(admin, "sample-list", campaign.slug, round.campaign.mixtures.get().pk)
    assert 'aria-current="page">Samples</a>' in html


def test_what_rounds_are_made_from_is_counted_and_leads_to_its_page(admin, campaign):
    html = page(admin, "campaign-detail", campaign.slug)
    assert re.search(rf'href="/campaigns/{campaign.slug}/inputs/">checkpoints</a> <b>1</b>', html)
    assert re.search(rf'href="/campaigns/{campaign.slug}/settings/">members</a> <b>1</b>', html)
