"""An evaluation: the same gate items for both, paired by item, and the gate's word on them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.errors import LeaseLost
from core.jobs.engine import reap
from diagnostics.models import RunItem
from tests.factories import make_context, make_job
from tests.training.rows import (
    answer_all,
    make_bank,
    make_campaign_ready,
    make_checkpoint,
    make_dataset,
    make_mixture,
    make_report,
    make_run,
)
from training.handlers import evaluate_job, gate_job
from training.models import Evaluation, EvaluationRow, Round, TrainingRun
from training.services import evaluation_work
from training.services.evaluations import evaluation_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def evaluation() -> Evaluation:
    campaign = make_campaign_ready(gate={"items_a_suite": 40, "margin": 0.1, "margin_signed_by": "Ada"})
    campaign.benchmarks.all().delete()
    make_bank(campaign, items_a_skill=90)
    parent = campaign.checkpoints.get()
    round = Round.objects.create(campaign=campaign, number=1, parent=parent, started_by=campaign.created_by)
    mixture = make_mixture(campaign, make_report(campaign, make_run(campaign, parent, [])))
    child = make_checkpoint(campaign, parent=parent)
    return evaluation_create(actor=round.started_by, round=round, child=child, mixture=mixture)


def play_answers(monkeypatch, before, after) -> None:
    """Answers arrive in an instant; whether an item is right is asked of ``before`` and ``after``."""

    def execute(context, run):
        if not run.answers.exists():
            answer_all(run, before if "parent" in run.label else after)
        run.refresh_from_db()

    monkeypatch.setattr(evaluation_work, "answer_run_execute", execute)


def learns_the_clock(item) -> bool:
    return item.skill != "clock" or int(item.index.split("-")[1]) % 2 == 0


def all_right(item) -> bool:
    return True


def context_of(evaluation: Evaluation, kind: str = "evaluate"):
    campaign = evaluation.round.campaign
    return make_context(make_job(campaign=campaign, kind=kind, spec={"evaluation_id": evaluation.pk}))


def test_parent_and_child_get_the_very_same_items_in_the_same_order(evaluation):
    asked = [
        list(RunItem.objects.filter(run=run).order_by("position").values_list("item_id", flat=True))
        for run in (evaluation.before, evaluation.after)
    ]
    assert asked[0] == asked[1]
    assert len(asked[0]) == 120
    assert {run.spec["sampling"]["temperature"] for run in (evaluation.before, evaluation.after)} == {0}


def test_targets_and_margin_are_frozen_when_it_is_made(evaluation):
    assert evaluation.target_skills == ["clock"]
    assert (evaluation.margin, evaluation.margin_signed_by) == (0.1, "Ada")


def test_every_suite_becomes_a_row_with_its_role_and_counts(monkeypatch, evaluation):
    play_answers(monkeypatch, learns_the_clock, all_right)
    assert evaluate_job(context_of(evaluation)) == {"evaluation_id": evaluation.pk, "suites": 3}
    rows = {row.suite: row for row in evaluation.rows.all()}
    clock = rows["clock"]
    known = evaluation.before.items.filter(skill="clock")
    right = sum(learns_the_clock(item) for item in known)
    assert (clock.role, clock.n, clock.num_before, clock.num_after) == ("target", 40, right, 40)
    assert (clock.num_fixed, clock.num_broken, clock.diff, clock.is_ok) == (40 - right, 0, (40 - right) / 40, True)
    assert 0 < clock.ci_low < clock.lower < clock.diff < clock.ci_high
    assert (rows["count"].role, rows["count"].is_ok) == ("protected", True)


def test_the_summary_pools_targets_and_protected_suites(monkeypatch, evaluation):
    play_answers(monkeypatch, learns_the_clock, all_right)
    evaluate_job(context_of(evaluation))
    evaluation.refresh_from_db()
    result = evaluation.result
    share = sum(learns_the_clock(item) for item in evaluation.before.items.filter(skill="clock")) / 40
    assert (result["mean_before"], result["mean_after"]) == (pytest.approx((2 + share) / 3), 1.0)
    assert (result["targets"]["diff"], result["protected"]["diff"]) == (pytest.approx(1 - share), 0)
    assert result["protected"]["suites"] == 2


def test_the_gate_promotes_a_child_that_improves_and_breaks_nothing(monkeypatch, evaluation):
    play_answers(monkeypatch, learns_the_clock, all_right)
    evaluate_job(context_of(evaluation))
    assert gate_job(context_of(evaluation, "gate"))["verdict"] == "promote"
    evaluation.refresh_from_db()
    assert evaluation.verdict == "promote"
    assert "improved" in evaluation.reasons[0]


@pytest.mark.parametrize("reward", ["random", "format_only"])
def test_the_gate_never_promotes_a_control_run_by_itself(monkeypatch, evaluation, reward):
    campaign, child = evaluation.round.campaign, evaluation.after.checkpoint
    dataset = make_dataset(campaign.mixtures.get())
    spec = {"settings": {"reward": reward}}
    TrainingRun.objects.create(campaign=campaign, dataset=dataset, parent=child, child=child, seed=1, spec=spec)
    play_answers(monkeypatch, learns_the_clock, all_right)
    evaluate_job(context_of(evaluation))
    assert gate_job(context_of(evaluation, "gate"))["verdict"] == "wait"
    evaluation.refresh_from_db()
    assert "control run" in evaluation.reasons[0] and "improved" in evaluation.reasons[1]


def test_the_gate_waits_for_a_person_when_a_protected_suite_fell(monkeypatch, evaluation):
    play_answers(monkeypatch, learns_the_clock, lambda item: item.skill != "count")
    evaluate_job(context_of(evaluation))
    assert gate_job(context_of(evaluation, "gate"))["verdict"] == "wait"
    evaluation.refresh_from_db()
    assert any(reason.startswith("count may have lost") for reason in evaluation.reasons)
    assert not evaluation.rows.get(suite="count").is_ok


def test_doing_it_again_from_the_top_makes_the_same_rows(monkeypatch, evaluation):
    play_answers(monkeypatch, learns_the_clock, all_right)
    evaluate_job(context_of(evaluation))
    first = list(evaluation.rows.order_by("suite").values("suite", "n", "num_before", "num_after", "lower"))
    evaluate_job(context_of(evaluation))
    assert list(evaluation.rows.order_by("suite").values("suite", "n", "num_before", "num_after", "lower")) == first


def test_a_lost_lease_publishes_no_row_and_no_verdict(monkeypatch, evaluation):
    play_answers(monkeypatch, learns_the_clock, all_right)
    evaluating, judging = context_of(evaluation), context_of(evaluation, "gate")
    reap(timezone.now() + timedelta(hours=1))
    with pytest.raises(LeaseLost):
        evaluate_job(evaluating)
    with pytest.raises(LeaseLost):
        gate_job(judging)
    evaluation.refresh_from_db()
    assert (EvaluationRow.objects.count(), evaluation.result, evaluation.verdict) == (0, {}, "")


def test_a_target_that_got_no_samples_is_protected(evaluation):
    assert evaluation.target_skills == ["clock"]
    round, mixture = evaluation.round, evaluation.round.campaign.mixtures.get()
    mixture.rows.filter(skill="clock").update(quota=0)
    child = evaluation.after.checkpoint
    assert evaluation_create(actor=round.started_by, round=round, child=child, mixture=mixture).target_skills == []
