"""Training pages: every run, and one run with its state, curves, newest values, settings and log."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from core.models import Job
from tests.pages.asking import page, part
from tests.pages.rows import end_round, make_round
from training.models import Metric, RunAlarm, TrainingRun


@pytest.fixture
def run(campaign) -> TrainingRun:
    """A run whose job runs."""
    make_round(campaign, "train")
    return campaign.training_runs.get()


def place(run):
    return run.campaign.slug, run.pk


def finish(run: TrainingRun) -> None:
    """What the job writes when the child is there."""
    TrainingRun.objects.filter(pk=run.pk).update(
        child=run.parent,
        result={"seconds": 812.4, "peak_rss_mb": 2311.0, "versions": {"trl": "1.16.0"}, "steps": 5},
    )


def test_the_list_shows_every_run_with_its_round_and_state(admin, run):
    html = page(admin, "training-list", run.campaign.slug)
    for shown in (f"Run #{run.pk}", "Round 1", "running", "244"):
        assert shown in html, shown
    finish(run)
    assert "succeeded" in page(admin, "training-list", run.campaign.slug)


def test_a_campaign_that_trained_nothing_says_what_comes(admin, campaign):
    assert "Nothing was trained yet" in page(admin, "training-list", campaign.slug)


def test_a_run_shows_its_curves_by_skill_and_allows_plotly_by_hash(admin, run):
    answer = admin.get(f"/campaigns/{run.campaign.slug}/training/{run.pk}/")
    assert answer.headers["Content-Security-Policy"].count("'sha256-") == 2
    figures = json.loads(re.search(r'id="training-figures"[^>]*>(.*?)</script>', answer.content.decode()).group(1))
    assert len(figures["skills"]["data"]) == 11
    assert {trace["name"] for trace in figures["skills"]["data"] if trace["role"] == "target"} >= {"count"}


def test_every_skill_has_its_newest_values_and_its_share_without_gradient(admin, run):
    Metric.objects.filter(training_run=run, skill="count", step=5, name="reward").update(value=0.4242)
    Metric.objects.filter(training_run=run, skill="count", step=5, name="frac_reward_zero_std").update(value=0.375)
    Metric.objects.filter(training_run=run, skill="word", name="frac_reward_zero_std").delete()
    html = page(admin, "training-detail", *place(run))
    row = html.split('scope="row">count<')[1].split("</tr>")[0]
    assert "0.424" in row and "37.5%" in row and "target" in row
    row = html.split('scope="row">word<')[1].split("</tr>")[0]
    assert "–" in row and "replay" in row
    assert html.index('scope="row">tallest bar<') < html.index('scope="row">colour<'), "targets first"


def figures_of(admin, run, query: str = "") -> dict:
    html = admin.get(f"/campaigns/{run.campaign.slug}/training/{run.pk}/{query}").content.decode()
    return json.loads(re.search(r'id="training-figures"[^>]*>(.*?)</script>', html).group(1))


def point(run, name: str, value: float, skill: str = "", step: int = 1) -> None:
    Metric.objects.create(training_run=run, name=name, skill=skill, step=step, value=value)


def test_the_charts_show_a_skill_or_a_slot_group_before_the_whole_run(admin, run):
    for name, skill, value in (("entropy", "", 1.0), ("entropy", "count", 2.0), ("target/entropy", "", 3.0)):
        point(run, name, value, skill)
    whole = figures_of(admin, run)["entropy"]["data"]
    assert [(line["name"], line["y"]) for line in whole] == [("whole run", [1.0])]
    by_skill = figures_of(admin, run, "?of=skill:count")["entropy"]["data"]
    assert [(line["name"], line["y"], line.get("role")) for line in by_skill] == [
        ("whole run", [1.0], "replay"),
        ("count", [2.0], None),
    ]
    assert figures_of(admin, run, "?of=target")["entropy"]["data"][1]["y"] == [3.0]
    assert "entropy" not in figures_of(admin, run, "?of=skill:word"), "no curve is better than another's"
    assert len(figures_of(admin, run, "?of=nonsense")["entropy"]["data"]) == 1


def test_speed_memory_and_time_of_each_phase_are_drawn(admin, run):
    for name in ("speed/tokens_per_s", "memory/host_mb", "memory/gpu_mb", "time/generate", "time/update"):
        point(run, name, 7.0)
    figures = figures_of(admin, run)
    assert [line["name"] for line in figures["memory"]["data"]] == ["host", "GPU"]
    assert [line["name"] for line in figures["time"]["data"]] == ["generate", "update"]
    assert figures["speed"]["data"][0]["y"] == [7.0]


def test_a_live_part_keeps_the_choice_of_its_page(admin, run):
    html = admin.get(f"/campaigns/{run.campaign.slug}/training/{run.pk}/?of=skill:count").content.decode()
    assert f'hx-get="/campaigns/{run.campaign.slug}/training/{run.pk}/?of=skill:count"' in html
    assert re.search(r'value="skill:count"\s+selected', html)


def test_alarms_stand_at_the_run_with_what_to_do_and_on_the_round_s_page_and_in_the_api(admin, run):
    RunAlarm.objects.create(training_run=run, kind="truncation", step=12, reason="30% of the completions are cut off")
    for html in (
        part(admin, "training-state", "training-detail", *place(run)),
        page(admin, "training-detail", *place(run)),
        page(admin, "round-detail", run.campaign.slug, 1),
    ):
        assert html.count("Completions are cut off") == 1
        assert "from step 12: 30% of the completions" in html and "Raise max_completion_tokens" in html
    found = admin.get(f"/api/v1/campaigns/{run.campaign.slug}/training-runs/{run.pk}").json()["alarms"]
    assert [(alarm["kind"], alarm["step"]) for alarm in found] == [("truncation", 12)]


def test_a_control_run_is_marked_everywhere(admin, run):
    for reward, there in (("composed", False), ("random", True)):
        spec = {"settings": {**run.spec["settings"], "reward": reward}}
        TrainingRun.objects.filter(pk=run.pk).update(spec=spec, child=run.parent)
        pages = (
            page(admin, "training-list", run.campaign.slug),
            page(admin, "training-detail", *place(run)),
            page(admin, "round-detail", run.campaign.slug, 1),
            page(admin, "checkpoint-list", run.campaign.slug),
            page(admin, "checkpoint-detail", run.campaign.slug, run.parent_id),
        )
        assert ["control run" in html for html in pages] == [there] * 5
        api = admin.get(f"/api/v1/campaigns/{run.campaign.slug}/training-runs/{run.pk}").json()
        assert api["is_control"] is there


def test_a_running_run_asks_for_its_parts_and_a_finished_one_rests(admin, run):
    html = page(admin, "training-detail", *place(run))
    assert html.count('hx-trigger="every 3s"') == 2
    assert "412 of 1,000 items" in html
    assert "training-figures" in part(admin, "training-live", "training-detail", *place(run))
    finish(run)
    state = part(admin, "training-state", "training-detail", *place(run))
    assert "hx-get" not in state and "<h1" not in state
    for shown in ("succeeded", "13\N{NARROW NO-BREAK SPACE}min 32", "2,311 MB"):
        assert shown in state, shown
    assert "trl" in page(admin, "training-detail", *place(run))


def test_a_failed_run_says_why_and_leads_to_its_job(admin, campaign):
    make_round(campaign, "train", job_status="failed")
    run = campaign.training_runs.get()
    html = page(admin, "training-detail", *place(run))
    assert "out of GPU memory at step 12" in html
    assert f'href="/jobs/{Job.objects.get(kind="train").pk}/"' in html
    assert "hx-get" not in html


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        ("failed", "Silent in phase update.\nProcess 7 is stopped.\n  frame_1", "Silent in phase update."),
        ("errored", "Traceback (most recent call last):\n  frame_1\nKeyError: 'x'\n", "KeyError: &#x27;x&#x27;"),
    ],
)
def test_a_run_that_ended_badly_says_it_in_one_sentence(admin, run, status, message, said):
    Job.objects.filter(kind="train").update(status=status, error_code="x", error_message=message)
    html = page(admin, "training-detail", *place(run))
    assert said in html and "frame_1" not in html and "Traceback" not in html


def test_a_run_by_hand_that_failed_or_was_stopped_goes_on_from_its_own_page(as_role, run):
    job = Job.objects.get(kind="train")
    run.campaign.rounds.get().stages.filter(job=job).update(job=None)
    TrainingRun.objects.filter(pk=run.pk).update(is_by_hand=True, job=job)
    again = f"/jobs/{job.pk}/again"
    assert again not in page(as_role("researcher"), "training-detail", *place(run)), "it runs"
    Job.objects.filter(pk=job.pk).update(status="cancelled")
    Metric.objects.all().delete()
    assert again not in page(as_role("viewer"), "training-detail", *place(run))
    html = page(as_role("researcher"), "training-detail", *place(run))
    address = f"/campaigns/{run.campaign.slug}/training/{run.pk}/"
    assert again in html and f'name="next" value="{address}"' in html and "No step has ended." in html
    assert as_role("researcher").post(again, {"next": address})["Location"] == address
    assert "No step has ended yet." in page(as_role("researcher"), "training-detail", *place(run))


def test_settings_are_those_that_were_frozen(admin, run):
    TrainingRun.objects.filter(pk=run.pk).update(spec={"settings": {"learning_rate": 0.00042, "delta": None}})
    html = page(admin, "training-detail", *place(run))
    assert "learning rate" in html and "0.00042" in html and "none" in html


def test_the_log_ends_with_its_last_hundred_lines_and_is_for_researchers(as_role, run):
    TrainingRun.objects.filter(pk=run.pk).update(run_name="abc")
    folder = Path(settings.RUNS_ROOT) / "abc"
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("\n".join(f"line {n} <script>" for n in range(1, 151)) + "\n")
    html = page(as_role("researcher"), "training-detail", *place(run))
    assert "line 150 &lt;script&gt;" in html and "line 51 " in html and "line 50 " not in html
    assert "line 150" not in page(as_role("curator"), "training-detail", *place(run))


def test_a_log_that_lies_elsewhere_is_not_a_fault(admin, run):
    assert "There is no log of this run on this machine" in page(admin, "training-detail", *place(run))


def test_runs_are_for_members_and_of_this_campaign_only(as_role, run):
    page(as_role("viewer"), "training-detail", *place(run))
    page(as_role("stranger"), "training-detail", *place(run), status=403)
    page(as_role("stranger"), "training-list", run.campaign.slug, status=403)
    page(as_role("viewer"), "training-detail", run.campaign.slug, run.pk + 1, status=404)


def test_pages_cost_the_same_queries_however_many_runs_and_steps(admin, campaign, django_assert_max_num_queries):
    counts = []
    for num_steps in (2, 20):
        end_round(make_round(campaign, "train", num_steps=num_steps), "rejected")
        run = campaign.training_runs.latest("id")
        with django_assert_max_num_queries(11) as detail:
            page(admin, "training-detail", *place(run))
        with django_assert_max_num_queries(8) as listed:
            page(admin, "training-list", campaign.slug)
        counts.append((len(detail), len(listed)))
    assert counts[0] == counts[1]
