"""The live page of a generation: slots, tries and calls as they happen, and silence once all is final."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core.models import Job, ModelCall
from datagen.domain.pulse import WINDOW, bucket_start
from datagen.live import calls_of, mixture_live
from datagen.models import Dataset, Mixture, Sample
from tests.factories import make_job
from tests.pages.asking import page, part
from tests.pages.rows import make_call, make_full_campaign, make_round, make_sample


@pytest.fixture
def mixture(campaign) -> Mixture:
    """Slots of which six in ten were tried."""
    make_round(campaign, "generate")
    return campaign.mixtures.get()


def working(mixture: Mixture, status: str = "running", kind: str = "generate", **fields) -> Job:
    spec = {"mixture_id": mixture.pk, "take": 1, "round_number": 1}
    facts = {"queue": "agents", "done": 5, "total": 22, "unit": "samples", "attempt": 1, "lease_pid": 1, **fields}
    return make_job(campaign=mixture.campaign, kind=kind, status=status, spec=spec, **facts)


def make_ended(mixture: Mixture, seconds_ago: float = 5, **fields) -> ModelCall:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    return make_call(mixture.campaign, scope=f"mixture:{mixture.pk}", answered_at=at, **fields)


def shown(client, mixture: Mixture, **facts) -> str:
    return page(client, "mixture-live", mixture.campaign.slug, mixture.pk, **facts)


def rest(client, mixture: Mixture) -> dict:
    answer = client.get(f"/api/v1/campaigns/{mixture.campaign.slug}/mixtures/{mixture.pk}/live")
    assert answer.status_code == 200
    return answer.json()


def test_page_and_rest_tell_every_skills_slots_and_what_became_of_all_tries(admin, mixture):
    working(mixture)
    told = rest(admin, mixture)
    assert sum(one["quota"] for one in told["skills"]) == mixture.total == mixture.slots.count()
    for one in told["skills"]:
        its = mixture.slots.filter(skill=one["skill"])
        assert one["filled"] == its.filter(status="filled").count() and one["quota"] == its.count()
    tries, samples = told["tries"], Sample.objects.filter(slot__mixture=mixture)
    assert tries["total"] == samples.count() and tries["accepted"] == samples.filter(status="accepted").count()
    assert sum(tries["rejected_by_reason"].values()) == tries["rejected"]
    open_slots = [
        slot for slot in mixture.slots.filter(status="open") if slot.num_tries == 0 and not slot.samples.exists()
    ]
    make_sample(open_slots[0], 0, "written", "", None)
    make_sample(open_slots[1], 0, "rejected", "malformed", None)
    assert sum(one["under_way"] for one in rest(admin, mixture)["skills"]) == 1
    html = shown(admin, mixture)
    assert f"{samples.filter(status='accepted').count()} of 22 samples" in html
    assert f'href="/campaigns/{mixture.campaign.slug}/rounds/1/"' in html


def test_what_passed_quality_control_stays_counted_whatever_came_later(admin, mixture):
    Sample.objects.filter(slot__mixture=mixture).delete()
    slots = list(mixture.slots.all()[:5])
    ends = (("rejected", "duplicate", None), ("rejected", "too_easy", 9), ("held", "unscored", 9))
    for slot, (status, reason, scored) in zip(
        slots, (*ends, ("checked", "", None), ("accepted", "", None)), strict=True
    ):
        sample = make_sample(slot, 0, status, reason, None)
        Sample.objects.filter(pk=sample.pk).update(num_scored=scored)
    tries = rest(admin, mixture)["tries"]
    assert (tries["total"], tries["passed_quality_control"], tries["accepted"]) == (5, 4, 1)
    assert tries["held_by_reason"] == {"unscored": 1}


def test_it_asks_often_while_a_job_lives_seldom_while_a_person_must_act_and_never_when_all_is_final(admin, mixture):
    job = working(mixture)
    assert "every 2s" in shown(admin, mixture) and rest(admin, mixture)["poll_s"] == 2
    Job.objects.filter(pk=job.pk).update(status="failed", error_code="x", error_message="The planner is silent.")
    html = shown(admin, mixture)
    assert "every 15s" in html and "The planner is silent." in html
    mixture.slots.filter(status="open").update(status="given_up", reason="duplicate")
    html = shown(admin, mixture)
    assert "hx-trigger" not in html and "All is final" in html and rest(admin, mixture)["is_over"]
    assert "What is missing, and why" in html


def test_a_dataset_makes_it_final_though_slots_are_open(admin, mixture):
    working(mixture, "succeeded")
    assert rest(admin, mixture)["poll_s"] == 15
    facts = {"manifest_hash": "9" * 64, "file_hash": "8" * 64, "path": "/data", "num_samples": 1}
    Dataset.objects.create(campaign=mixture.campaign, mixture=mixture, **facts)
    told = rest(admin, mixture)
    assert (told["poll_s"], told["is_over"]) == (0, True)
    missing = {row["skill"]: row["wanted"] - row["got"] for row in told["shortfall"]}
    assert sum(missing.values()) == mixture.slots.exclude(status="filled").count()


def test_calls_a_second_latency_and_errors_are_told_by_endpoint(admin, mixture):
    job = working(mixture)
    for number in range(10):
        make_ended(mixture, latency_ms=100 * (number + 1))
    make_ended(mixture, status="failed", latency_ms=0)
    make_ended(mixture, status="unknown", latency_ms=0, seconds_ago=70)
    validator = mixture.campaign.endpoints.get(role="validator")
    make_call(mixture.campaign, endpoint=validator, role="validator", status="sent", job=job)
    calls = rest(admin, mixture)["calls"]
    writer, other = sorted(calls["endpoints"], key=lambda one: one["role"])
    assert (writer["calls"], writer["errors"], writer["per_second"]) == (12, 2, round(11 / 60, 3))
    assert writer["latency"] == {"median_ms": 550, "p95_ms": 1000} and writer["in_flight"] == 0
    assert (other["role"], other["in_flight"], other["latency"]) == ("validator", 1, None)
    assert sum(one["answered"] for one in calls["buckets"]) == 10
    assert sum(one["errors"] for one in calls["buckets"]) == 2
    html = shown(admin, mixture)
    assert "550 ms" in html and "1,000 ms" in html and "1 of 16" in html


def test_how_a_server_bears_the_calls_stands_beside_its_endpoint(admin, mixture):
    call = make_ended(mixture)
    pace = {"limit": 12.4, "rate": 3.25, "refused": 7, "circuit": "open"}
    type(call.endpoint).objects.filter(pk=call.endpoint_id).update(pace=pace)
    working(mixture)
    html = " ".join(shown(admin, mixture).split())
    type(call.endpoint).objects.filter(pk=call.endpoint_id).update(pace={"limit": 160, "circuit": "closed"})
    assert "not held back" in shown(admin, mixture)
    type(call.endpoint).objects.filter(pk=call.endpoint_id).update(pace=pace)
    assert "12 at once, 3.3 a second, 7 refused" in html and "left alone for now" in html
    assert rest(admin, mixture)["calls"]["endpoints"][0]["pace"] == pace


def test_calls_of_other_mixtures_of_tools_and_of_long_ago_are_not_counted(admin, mixture):
    working(mixture)
    make_call(mixture.campaign, scope="mixture:0", answered_at=timezone.now())
    make_ended(mixture, endpoint=None, tool="image_search")
    make_ended(mixture, seconds_ago=400)
    calls = rest(admin, mixture)["calls"]
    assert (calls["endpoints"], calls["per_second"]) == ([], 0)
    assert not any(one["answered"] + one["errors"] for one in calls["buckets"])
    assert "No call for this mixture" in shown(admin, mixture)


def test_when_nothing_works_any_more_the_window_ends_with_the_last_call(admin, mixture):
    working(mixture, "succeeded")
    make_ended(mixture, seconds_ago=86_400)
    last = make_ended(mixture, seconds_ago=86_300)
    calls = rest(admin, mixture)["calls"]
    assert calls["endpoints"][0]["calls"] == 2 and calls["until"][:19] == last.answered_at.isoformat()[:19]


def test_a_job_of_another_mixture_is_not_this_ones(admin, mixture):
    working(mixture, "succeeded")
    make_job(campaign=mixture.campaign, kind="generate", status="running", spec={"mixture_id": mixture.pk + 1})
    assert rest(admin, mixture)["job"]["status"] == "succeeded"


def test_who_may_research_gets_the_jobs_buttons_and_others_do_not(as_role, mixture):
    job = working(mixture)
    for action in ("stop", "pause"):
        assert f"/jobs/{job.pk}/{action}" in shown(as_role("researcher"), mixture)
        assert f"/jobs/{job.pk}/{action}" not in shown(as_role("viewer"), mixture)


def test_a_pause_from_the_live_page_comes_back_to_it_and_says_what_waits(admin, mixture):
    job, here = working(mixture, "waiting"), f"/campaigns/{mixture.campaign.slug}/mixtures/{mixture.pk}/live/"
    assert f'name="next" value="{here}"' in shown(admin, mixture)
    answer = admin.post(f"/jobs/{job.pk}/pause", {"next": here})
    assert answer.headers["Location"] == here
    html = shown(admin, mixture)
    assert "now-paused" in html and f"/jobs/{job.pk}/resume" in html and "every 2s" in html


def test_the_live_part_comes_alone(admin, mixture):
    working(mixture)
    alone = part(admin, "mixture-live", "mixture-live", mixture.campaign.slug, mixture.pk)
    assert alone.lstrip().startswith('<div id="mixture-live"') and "<h1" not in alone


def test_a_mixture_that_waits_for_approval_says_so(admin):
    campaign = make_full_campaign()
    make_round(campaign, "approve")
    admin.force_login(campaign.created_by)
    assert "Nothing works on this mixture yet" in shown(admin, campaign.mixtures.get())


def test_it_asks_the_same_queries_however_many_calls_samples_and_slots_there_are(
    admin, mixture, django_assert_num_queries
):
    working(mixture)
    for number in (1, 40):
        for _ in range(number):
            make_ended(mixture)
        with django_assert_num_queries(QUERIES):
            shown(admin, mixture)


QUERIES = 16


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads so few rows without an index")
def test_the_window_is_read_from_a_range_of_the_index(mixture):
    since = bucket_start(timezone.now()) - WINDOW
    plan = calls_of(mixture).filter(answered_at__gt=since, endpoint__isnull=False).explain()
    assert "USING INDEX call_by_end (campaign_id=? AND scope=? AND answered_at>?" in plan


def test_the_picture_is_the_same_for_the_same_moment(mixture):
    working(mixture)
    make_ended(mixture)
    now = timezone.now()
    assert mixture_live(mixture, now) == mixture_live(mixture, now)
