"""A round that stops at its caps again and again, each time raised by a person, ends in the same dataset."""

import pytest

from core.budget_caps import CapValues
from core.budgets import budget_set
from core.jobs.engine import Handler, execute_next
from core.jobs.services import job_resume
from core.models import Budget, ModelCall
from datagen.handlers import dataset_build_job, difficulty_job, generate_job, quality_job
from datagen.models import Dataset, Mixture
from datagen.services import difficulty
from datagen.tries import scope_of
from tests.datagen.fake_world import FakeModel, make_server, make_world, run, run_chain
from tests.factories import make_job
from tests.fake_endpoint import served

pytestmark = pytest.mark.django_db
HANDLERS = {"generate": Handler(generate_job), "quality": Handler(quality_job)}
STEP = 9


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A model that answers at once behind the GPU border, and heartbeats that come often."""
    monkeypatch.setattr(difficulty, "gpu_run", FakeModel())
    monkeypatch.setattr("core.ledger.BEAT_S", 0.01)
    monkeypatch.setattr("core.ledger_budget.PATIENCE_S", 0.05)


def raise_cap(mixture: Mixture) -> None:
    spent = Budget.objects.filter(scope=scope_of(mixture.pk)).values_list("spent_calls", flat=True).first() or 0
    values = CapValues(calls=spent + STEP)
    budget_set(actor=mixture.campaign.created_by, campaign=mixture.campaign, scope=scope_of(mixture.pk), values=values)


def run_raised(mixture: Mixture, kind: str, take: int) -> int:
    """One job to its end, its cap raised and resumed whenever it is reached; how often that was."""
    spec = {"mixture_id": mixture.pk, "take": take}
    job = make_job(campaign=mixture.campaign, kind=kind, queue="agents", spec=spec)
    stops = 0
    while execute_next("agents", HANDLERS):
        job.refresh_from_db()
        budget = Budget.objects.get(scope=scope_of(mixture.pk))
        assert budget.spent_calls <= budget.cap_calls and budget.reserved_calls == 0
        if job.status == "paused":
            assert job.error_code == "budget_spent" and f"mixture #{mixture.pk}" in job.error_message
            assert budget.spent_calls == budget.cap_calls, "not a call too early"
            stops += 1
            raise_cap(mixture)
            job_resume(actor=job.actor, job_id=job.pk)
    assert job.status == "succeeded", job.error_message
    return stops


def run_capped(mixture: Mixture) -> tuple[Dataset, int]:
    """Waves until no slot is open, then the dataset; and how many stops there were."""
    take, stops, num_open = 0, 0, 1
    raise_cap(mixture)
    while num_open:
        take += 1
        stops += run_raised(mixture, "generate", take) + run_raised(mixture, "quality", take)
        checkpoint = mixture.campaign.checkpoints.get()
        num_open = run(mixture, difficulty_job, take=take, checkpoint_id=checkpoint.pk)["open"]
    return Dataset.objects.get(pk=run(mixture, dataset_build_job)["dataset_id"]), stops


def test_a_round_that_stops_at_its_cap_again_and_again_ends_in_the_same_dataset_and_pays_nothing_twice():
    with served(make_server()) as calm:
        undisturbed = run_chain(make_world(calm)).manifest_hash
    with served(make_server(delay_s=0.02, seed=3)) as server:
        dataset, stops = run_capped(make_world(server))
    assert dataset.manifest_hash == undisturbed
    assert stops >= 4
    assert server.paid_twice == []
    assert set(ModelCall.objects.values_list("num_sent", "status")) == {(1, "answered")}
