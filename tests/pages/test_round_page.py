"""The page of a round: it shows what is, asks for itself while something may change, and lets people decide."""

import re

import pytest
from django.urls import reverse

from tests.pages.asking import page, part, send, where
from tests.pages.rows import end_round, make_round, make_samples
from training.gate_forecast import chance, items_enough
from training.models import Evaluation, EvaluationRow, Metric, Round, RoundStage, TrainingRun

POLL = re.compile(r'hx-trigger="[^"]*every')
REGIONS = ("round-now", "diagnosis", "mixture", "samples", "training", "training-data", "evaluation", "round-foot")


def test_a_round_at_its_beginning_says_what_comes_instead_of_showing_nothing(admin, campaign):
    html = page(admin, "round-detail", *where(make_round(campaign, "diagnose")))
    for empty in ("No report yet", "No mixture yet", "No samples yet", "Not trained yet", "Not evaluated yet"):
        assert empty in html
    assert "The parent answers the probe items." in html
    assert "412 of 1,000 items" in html


def test_a_decided_round_shows_every_number_and_asks_for_nothing_any_more(admin, campaign):
    round = end_round(make_round(campaign, "decide"), "promoted")
    html = page(admin, "round-detail", *where(round))
    diagnosis = ("clock hour", "13.0% – 25.0%", "618 more", "not decidable with this bank")
    for shown in (*diagnosis, "too easy", "+42.0", "rose", "not shown"):
        assert shown in html, shown
    assert "The gain on the targets is worth it." in html
    assert "hx-get" not in html


def test_a_round_leads_to_the_page_of_everything_in_it(admin, campaign):
    round = end_round(make_round(campaign, "decide"), "promoted")
    html = page(admin, "round-detail", *where(round))
    run, evaluation = TrainingRun.objects.get(), Evaluation.objects.get()
    mixture = run.dataset.mixture_id
    places = [("training-detail", run.pk), ("comparison-detail", evaluation.pk), ("dataset-detail", run.dataset_id)]
    for name, pk in (*places, ("mixture-detail", mixture), ("sample-list", mixture)):
        assert f'href="{reverse(name, args=[campaign.slug, pk])}"' in html, name


@pytest.mark.parametrize("upto", ["diagnose", "approve", "generate", "train", "evaluate", "decide"])
def test_every_region_comes_alone_and_under_its_own_id(admin, campaign, upto):
    round = make_round(campaign, upto)
    whole = page(admin, "round-detail", *where(round))
    for region in REGIONS:
        if f'id="{region}"' in whole:
            alone = part(admin, region, "round-detail", *where(round))
            assert f'id="{region}"' in alone
            assert still(alone) in still(whole)


def still(html: str) -> str:
    """HTML without what differs from one answer to the next: tokens of forms, and clocks."""
    quiet = re.sub(r'name="csrfmiddlewaretoken"\s+value="\w+"', "", html)
    return re.sub(r'class="step-fact">.*?</span>', "", quiet, flags=re.DOTALL).strip()


@pytest.mark.parametrize(
    ("upto", "polling"),
    [("diagnose", {"round-now"}), ("generate", {"round-now", "samples"}), ("train", {"round-now", "training-data"})],
)
def test_only_what_works_right_now_asks_by_the_clock(admin, campaign, upto, polling):
    round = make_round(campaign, upto)
    whole = page(admin, "round-detail", *where(round))
    asking = {name for name in REGIONS if f'id="{name}"' in whole and POLL.search(opening_tag(whole, name))}
    assert asking == polling


def opening_tag(html: str, region: str) -> str:
    found = re.search(rf'<\w+ id="{region}"[^>]*>', html)
    return found.group(0) if found else ""


def test_a_form_is_never_inside_a_region_that_asks_by_the_clock(admin, campaign):
    for upto, region in (("approve", "mixture"), ("decide", "evaluation")):
        round = make_round(campaign, upto)
        alone = part(admin, region, "round-detail", *where(round))
        assert "<textarea" in alone
        assert not POLL.search(alone)
        end_round(round, "rejected")


def test_a_moved_round_tells_the_other_regions_to_look_again(admin, campaign):
    round = make_round(campaign, "approve")
    address, headers = (
        f"/campaigns/{campaign.slug}/rounds/{round.number}/",
        {"HX-Request": "true", "HX-Target": "round-now"},
    )
    same = admin.get(f"{address}?seen=approve.1.waiting", headers=headers)
    moved = admin.get(f"{address}?seen=mixture.1.running", headers=headers)
    assert "HX-Trigger" not in same.headers
    assert "round-moved" in moved.headers["HX-Trigger"]
    assert "HX-Request" in moved.headers["Vary"]


def test_the_back_button_gets_a_whole_page(admin, campaign):
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    round = make_round(campaign, "diagnose")
    for address in (
        f"/campaigns/{campaign.slug}/rounds/{round.number}/",
        f"/campaigns/{campaign.slug}/",
        "/",
        "/jobs/",
    ):
        assert b"<html" in admin.get(address, headers=headers).content


def test_approving_posts_the_hash_that_was_shown_and_generation_starts(as_role, campaign):
    round, approver = make_round(campaign, "approve"), as_role("approver")
    html = page(approver, "round-detail", *where(round))
    shown = re.search(r'name="manifest_hash"\s+value="(\w+)"', html)
    assert shown
    assert send(approver, "round-approve", *where(round), manifest_hash=shown.group(1), comment="fine") == 302
    assert RoundStage.objects.get(round=round, status="open").stage == "generate"


def test_another_hash_than_the_shown_one_approves_nothing(as_role, campaign):
    round = make_round(campaign, "approve")
    assert send(as_role("approver"), "round-approve", *where(round), manifest_hash="0" * 64) == 409
    assert RoundStage.objects.get(round=round, status="open").stage == "approve"


@pytest.mark.parametrize("role", ["viewer", "curator", "researcher"])
def test_who_may_not_approve_sees_no_form_and_is_refused(as_role, campaign, role):
    round, client = make_round(campaign, "approve"), as_role(role)
    html = page(client, "round-detail", *where(round))
    assert "Somebody with the role approver" in html
    assert "manifest_hash" not in html
    assert send(client, "round-approve", *where(round), manifest_hash="5" * 64) == 403
    assert send(client, "round-send-back", *where(round), comment="no") == 403
    assert send(client, "round-decide", *where(round), decision="rejected", comment="no") == 403


def test_sending_back_needs_a_reason_and_makes_a_new_proposal(as_role, campaign):
    round, approver = make_round(campaign, "approve"), as_role("approver")
    assert send(approver, "round-send-back", *where(round), comment=" ") == 400
    assert send(approver, "round-send-back", *where(round), comment="more replay") == 302
    stage = RoundStage.objects.get(round=round, status="open")
    assert (stage.stage, stage.take) == ("mixture", 2)


def test_a_decision_needs_a_reason_and_ends_the_round(as_role, campaign):
    round, approver = make_round(campaign, "decide"), as_role("approver")
    assert send(approver, "round-decide", *where(round), decision="promoted", comment="") == 400
    assert send(approver, "round-decide", *where(round), decision="promoted", comment="worth it") == 302
    round.refresh_from_db()
    assert (round.decision, round.comment) == ("promoted", "worth it")


def test_a_stopped_stage_says_why_and_can_run_again(as_role, campaign):
    round, researcher = make_round(campaign, "train", "failed"), as_role("researcher")
    html = page(researcher, "round-detail", *where(round))
    assert "ran out of GPU memory" in html
    assert "Run this stage again" in html
    assert "Run this stage again" not in page(as_role("viewer"), "round-detail", *where(round))
    assert send(researcher, "round-retry", *where(round)) == 302
    stage = RoundStage.objects.select_related("job").get(round=round, status="open")
    assert stage.job is not None
    assert stage.job.status == "waiting"


def test_a_stage_done_over_opens_its_next_take(as_role, campaign):
    round = make_round(campaign, "generate")
    assert send(as_role("researcher"), "round-redo", *where(round), stage="report") == 302
    stage = RoundStage.objects.get(round=round, status="open")
    assert (stage.stage, stage.take) == ("report", 2)


def test_a_wide_margin_shows_who_signed_it(admin, campaign):
    round = make_round(campaign, "decide")
    assert "signed by" not in page(admin, "round-detail", *where(round))
    round.evaluations.update(margin=0.05, margin_signed_by="Grace")
    assert re.search(r"signed by\s+Grace", page(admin, "round-detail", *where(round)))


def test_before_money_is_spent_the_page_says_what_the_gate_can_see(admin, campaign):
    html = page(admin, "round-detail", *where(make_round(campaign, "approve")))
    assert "Before money is spent: with 200 items a suite" in html
    assert "About 1,500 items a suite" in html
    assert "measured in the last evaluation" not in html


def test_the_forecast_goes_by_the_changes_that_were_measured(admin, campaign):
    first = end_round(make_round(campaign, "decide"), "rejected")
    EvaluationRow.objects.filter(evaluation__round=first).update(num_fixed=10, num_broken=6)
    html = page(admin, "round-detail", *where(make_round(campaign, "approve")))
    assert re.search(r"8\.0%\s*<span[^>]*>measured in the last evaluation", html)


def test_the_forecast_agrees_with_the_published_table():
    seen = chance(2000, 0.10, 0.03, 3, 8)
    assert (seen.neutral, seen.at_margin) == (pytest.approx(0.957, abs=0.004), pytest.approx(0.050, abs=0.004))
    assert chance(3923, 0.20, 0.03, 1, 8).gain == pytest.approx(0.02, abs=0.0002)
    assert chance(200, 0.10, 0.03, 0, 8).gain is None
    assert items_enough(0.10, 0.03, 8) == 1500
    assert items_enough(0.9, 0.03, 8) is None


def test_the_curves_go_to_the_browser_as_data(admin, campaign):
    html = page(admin, "round-detail", *where(make_round(campaign, "train")))
    assert '<script id="training-figures" type="application/json">' in html
    assert 'data-chart="reward"' in html


def test_a_round_of_any_size_costs_the_same_queries(admin, campaign, django_assert_max_num_queries):
    round = make_round(campaign, "decide")
    with django_assert_max_num_queries(22) as small:
        page(admin, "round-detail", *where(round))
    make_samples(mixture_of(round))
    run = round.campaign.training_runs.get()
    Metric.objects.bulk_create(Metric(training_run=run, step=n, name="reward", value=1.0) for n in range(100, 400))
    with django_assert_max_num_queries(22) as large:
        page(admin, "round-detail", *where(round))
    assert len(small) == len(large)


def mixture_of(round: Round):
    from datagen.models import Mixture

    return Mixture.objects.get(campaign=round.campaign)
