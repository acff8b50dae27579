"""The launch form, its preview and presets, and the pre-flight on a run's page."""

import json
import re

import pytest
from django.urls import reverse

from core.models import Job
from core.presets import PRESETS
from tests.doors.launches import LINES
from tests.factories import make_job
from tests.pages.asking import page, part, send
from tests.pages.rows import make_round
from training.models import Preflight, TrainingRun


@pytest.fixture
def run(campaign) -> TrainingRun:
    make_round(campaign, "train")
    return campaign.training_runs.get()


def post(client, campaign, query: str = "", status: int = 200, **form: str) -> str:
    answer = client.post(reverse("training-new", args=[campaign.slug]) + query, form)
    assert answer.status_code == status, answer.status_code
    return answer.content.decode()


def value_of(html: str, name: str) -> str:
    return re.search(rf'name="{re.escape(name)}"\s+value="([^"]*)"', html)[1]


def held(run: TrainingRun, **fields) -> TrainingRun:
    """The run as one by hand whose pre-flight failed."""
    TrainingRun.objects.filter(pk=run.pk).update(is_by_hand=True, run_name="abc")
    Job.objects.filter(kind="train").update(spec={})
    given = {"status": "succeeded", **fields}
    job = make_job(campaign=run.campaign, kind="preflight", **given)
    Preflight.objects.create(
        training_run=run, run_name="abc", take=1, job=job, lines=LINES, is_passed=False, seconds=41.0
    )
    return run


def test_the_form_starts_from_the_campaigns_settings_and_explains_every_field(admin, campaign, run):
    html = page(admin, "training-new", campaign.slug)
    assert value_of(html, "grpo.learning_rate") == "1e-06" and value_of(html, "grpo.steps") == "40"
    assert html.count('class="hint"') >= 36
    assert run.dataset.manifest_hash[:12] in html and run.parent.name in html


def test_training_again_starts_from_the_other_runs_spec(admin, campaign, run):
    run.spec["settings"] |= {"steps": 77, "extra": {"adam_beta2": 0.95}}
    run.save()
    html = page(admin, "training-new", campaign.slug, query=f"?of={run.pk}")
    assert value_of(html, "grpo.steps") == "77" and "like #" in html
    assert "&quot;adam_beta2&quot;: 0.95" in html and value_of(html, "seed") == "7"
    assert f"?of={run.pk}" in page(admin, "training-detail", campaign.slug, run.pk)


def test_a_preset_fills_the_form_and_says_what_it_changed_and_why(admin, campaign, run):
    html = post(admin, campaign, do="fill", preset="qwen2.5-vl-7b-lora", seed="99")
    assert value_of(html, "grpo.learning_rate") == "1e-05" and value_of(html, "grpo.lora_rank") == "32"
    assert value_of(html, "seed") == "99" and "never on lm_head" in html
    assert re.search(r'value="cuda"\s+selected', html) and "nothing is launched" in html
    assert campaign.training_runs.count() == 1


def test_the_spec_is_shown_as_it_will_be_stored_with_what_differs(admin, campaign, run):
    html = post(admin, campaign, query=f"?of={run.pk}", do="show", **{"grpo.beta": "0.5"})
    assert "1 difference from" in html and "&quot;beta&quot;: 0.5" in html
    row = html.split('scope="row">beta<')[1].split("</tr>")[0]
    assert "0.01" in row and "0.5" in row
    assert value_of(html, "grpo.beta") == "0.5" and campaign.training_runs.count() == 1


def test_launching_leads_to_a_run_that_is_checked(admin, campaign, run):
    answer = admin.post(reverse("training-new", args=[campaign.slug]), {"do": "launch", "grpo.steps": "7"})
    made = campaign.training_runs.get(is_by_hand=True)
    assert answer.headers["Location"].endswith(f"/training/{made.pk}/")
    html = page(admin, "training-detail", campaign.slug, made.pk)
    assert "checking" in html and "looking now" in html and "launched by hand" in html
    assert "by hand" in page(admin, "training-list", campaign.slug)
    assert 'hx-trigger="every 3s"' in part(admin, "training-preflight", "training-detail", campaign.slug, made.pk)


def test_what_was_shown_is_what_is_launched(admin, campaign, run):
    html = post(admin, campaign, do="show", **{"grpo.steps": "7"})
    name = re.search(r'run <span class="hash">(\w+)<', html)[1]
    assert send(admin, "training-new", campaign.slug, do="launch", **{"grpo.steps": "7"}) == 302
    assert campaign.training_runs.get(is_by_hand=True).run_name == name


def test_what_is_wrong_stays_in_the_form_beside_its_reason(admin, campaign, run):
    html = post(admin, campaign, status=400, do="launch", seed="x", **{"grpo.beta": "-1", "grpo.extra": '{"lr": 1}'})
    assert "3 fields cannot be taken" in html and value_of(html, "grpo.beta") == "-1" and value_of(html, "seed") == "x"
    assert "lr cannot be given" in html and "a whole number" in html
    assert campaign.training_runs.count() == 1


def test_settings_that_do_not_go_together_are_said_above_the_form(admin, campaign, run):
    html = post(admin, campaign, status=400, do="launch", **{"grpo.gpus": "3"})
    assert "must be a multiple of gpus (3)" in html


def test_an_admin_keeps_the_form_as_the_campaigns_settings(admin, as_role, campaign, run):
    assert "Keep as the campaign" not in page(as_role("researcher"), "training-new", campaign.slug)
    assert send(as_role("researcher"), "training-new", campaign.slug, do="keep", **{"grpo.steps": "7"}) == 403
    assert send(admin, "training-new", campaign.slug, do="keep", **{"grpo.steps": "7"}) == 302
    campaign.refresh_from_db()
    assert campaign.config.grpo.steps == 7 and campaign.training_runs.count() == 1


def test_a_failed_preflight_shows_its_table_and_what_can_be_done(admin, as_role, campaign, run):
    held(run)
    html = page(admin, "training-detail", campaign.slug, run.pk)
    table = html.split('id="training-preflight"')[1].split("</section>")[0]
    for shown in ("did not pass", "canary", "It is silent.", "See that the pictures reach the model.", "fails", "look"):
        assert shown in table, shown
    for door in ("check", "override"):
        assert f"/training/{run.pk}/{door}" in table
    assert "hx-get" not in table
    assert "override" not in page(as_role("viewer"), "training-detail", campaign.slug, run.pk)


def test_who_answers_for_it_is_named_with_the_reason(admin, campaign, run):
    held(run)
    assert send(admin, "training-override", campaign.slug, run.pk, reason="") == 400
    assert send(admin, "training-override", campaign.slug, run.pk, reason="It is a <b>drill</b>.") == 302
    html = page(admin, "training-detail", campaign.slug, run.pk)
    assert f"{campaign.created_by.username} answers for it" in html and "It is a &lt;b&gt;drill&lt;/b&gt;." in html
    assert f"/training/{run.pk}/override" not in html


def test_a_check_that_died_says_why(admin, campaign, run):
    held(run, status="failed", error_code="killed", error_message="The kernel ended it.")
    Preflight.objects.update(lines=[], is_passed=None)
    html = page(admin, "training-detail", campaign.slug, run.pk)
    assert "The kernel ended it." in html and f"/training/{run.pk}/check" in html


def test_a_script_launches_previews_and_answers_as_a_page_does(admin, campaign, run):
    body = {"of": run.pk, "preset": "mini", "settings": {"steps": 3}, "seed": 5}
    shown = admin.post(
        reverse("api-training-run-preview", args=[campaign.slug]), json.dumps(body), content_type="application/json"
    ).json()
    assert {one["name"] for one in shown["differences"]} >= {"steps", "seed", "policy"}
    made = admin.post(
        reverse("api-training-run-list", args=[campaign.slug]), json.dumps(body), content_type="application/json"
    ).json()
    assert (made["run_name"], made["spec"]) == (shown["run_name"], shown["spec"])
    assert (made["status"], made["is_by_hand"], made["preflights"][0]["is_passed"]) == ("checking", True, None)
    assert made["spec"]["settings"]["steps"] == 3 and made["spec"]["settings"]["beta"] == 0.04


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"settings": {"steps": 0}}, "settings.grpo.steps"),
        ({"settings": {"lr": 1}}, "settings.grpo.lr"),
        ({"preset": "huge"}, "preset"),
        ({"parent": 999_999}, "parent"),
        ({"dataset": 999_999}, "dataset"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_script_learns_which_field_is_wrong(admin, campaign, run, body, field):
    address = reverse("api-training-run-list", args=[campaign.slug])
    answer = admin.post(address, json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize(("preset", "said"), [("qwen2.5-vl-7b-lora", "1 GPU of"), ("qwen2.5-vl-7b-full", "4 GPUs of")])
def test_a_preset_says_for_how_many_gpus_it_is_meant(admin, campaign, preset, said):
    html = post(admin, campaign, do="fill", preset=preset)
    assert f"Meant for {said} 80 GB." in html


def test_presets_are_for_scripts_too(admin, campaign):
    found = admin.get(reverse("api-preset-list", args=[campaign.slug])).json()["data"]
    assert {one["name"] for one in found} == set(PRESETS)
    assert found[0]["settings"]["lora_rank"] == 32 and found[0]["reasons"]["lora_rank"]
