"""The admin shows rounds, runs and evaluations, and finds no way round the services."""

import pytest
from django.apps import apps
from django.test import Client

from tests.factories import make_job, make_user
from tests.training.rows import make_campaign_ready
from tests.training.stage_play import Play, manifest_of
from training.models import CheckpointCare, EvaluationRow, Metric, Preflight, Prompt, RunAlarm, TrainingRun, Turn
from training.services.rounds import round_approve, round_start

pytestmark = pytest.mark.django_db
MODELS = list(apps.get_app_config("training").get_models())


@pytest.fixture
def client():
    client = Client()
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def round():
    """A round with a row of every model."""
    campaign = make_campaign_ready()
    round, play = round_start(actor=campaign.created_by, campaign=campaign), Play()
    play.work()
    round_approve(actor=campaign.created_by, round=round, manifest_hash=manifest_of(round))
    play.work()
    run = TrainingRun.objects.get()
    Metric.objects.create(training_run=run, step=1, name="reward", value=0.5)
    job = make_job(campaign=campaign, kind="preflight", status="succeeded")
    Preflight.objects.create(training_run=run, run_name=run.run_name, take=1, job=job, is_passed=True)
    prompt = Prompt.objects.create(training_run=run, name="s1", skill="clock")
    counted = {"num": 8, "num_correct": 3, "num_unscored": 0, "num_truncated": 0, "mean_tokens": 4.5}
    Turn.objects.create(prompt=prompt, step=1, place=0, **counted)
    RunAlarm.objects.create(training_run=run, kind="kl", step=1, reason="it ran away")
    CheckpointCare.objects.create(checkpoint=run.parent, pinned_by=campaign.created_by)
    counts = {"n": 10, "num_before": 5, "num_after": 7, "num_fixed": 3, "num_broken": 1}
    bounds = {"lower": 0.01, "ci_low": -0.01, "ci_high": 0.4, "is_ok": True}
    EvaluationRow.objects.create(evaluation=round.evaluations.get(), suite="clock", role="target", **counts, **bounds)
    return round


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_added_changed_or_deleted_by_anybody(client, round, model):
    before, home = list(model.objects.values()), f"/admin/training/{model._meta.model_name}/"
    pk = model.objects.order_by("pk")[0].pk
    assert client.get(home).status_code == 200
    assert client.get(f"{home}{pk}/change/").status_code == 200
    forbidden = [client.get(f"{home}add/"), client.post(f"{home}{pk}/change/", {"decision": "promoted"})]
    forbidden.append(client.post(f"{home}{pk}/delete/", {"post": "yes"}))
    assert {answer.status_code for answer in forbidden} == {403}
    client.post(home, {"action": "delete_selected", "_selected_action": pk, "post": "yes"})
    assert list(model.objects.values()) == before
