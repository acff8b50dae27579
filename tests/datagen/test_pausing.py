"""Pausing is gentle: calls in flight are answered and stored, none is sent anew, and the result is the same."""

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from core import ledger
from core.jobs.engine import Handler, execute_next
from core.jobs.services import job_pause, job_resume
from core.models import Job, ModelCall
from datagen.handlers import dataset_build_job, difficulty_job, generate_job, quality_job
from datagen.models import Dataset, Mixture
from datagen.services import difficulty
from tests.datagen.fake_world import FakeModel, make_server, make_world, run, run_chain
from tests.factories import make_job
from tests.fake_endpoint import served

pytestmark = pytest.mark.django_db
HANDLERS = {"generate": Handler(generate_job), "quality": Handler(quality_job)}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A model that answers at once behind the GPU border, and heartbeats that come often."""
    monkeypatch.setattr(difficulty, "gpu_run", FakeModel())
    monkeypatch.setattr("core.ledger.BEAT_S", 0.01)


@pytest.fixture
def paused_after(monkeypatch) -> Callable[[int], None]:
    """Let somebody pause the running job whenever so many more calls were stored."""
    real, every, stored = ledger.calls_close, [0], [0]

    def close(calls: list[ModelCall]) -> list[None]:
        closed = real(calls)
        stored[0] += len(calls)
        free = Job.objects.filter(status="running", pause_requested_at__isnull=True, queue="agents").first()
        if every[0] and stored[0] >= every[0] and free:
            stored[0] = 0
            job_pause(actor=free.actor, job_id=free.pk)
        return closed

    monkeypatch.setattr(ledger, "calls_close", close)
    return lambda number: every.__setitem__(0, number)


def run_resumed(mixture: Mixture, kind: str, take: int) -> int:
    """One job to its end, resumed whenever it is paused; how often that was."""
    spec: dict[str, Any] = {"mixture_id": mixture.pk, "take": take}
    job = make_job(campaign=mixture.campaign, kind=kind, queue="agents", spec=spec)
    pauses = 0
    while execute_next("agents", HANDLERS):
        job.refresh_from_db()
        if job.status == "paused":
            pauses += 1
            assert not ModelCall.objects.exclude(status="answered").exists()
            job_resume(actor=job.actor, job_id=job.pk)
    assert job.status == "succeeded", job.error_message
    return pauses


def run_paused(mixture: Mixture) -> tuple[Dataset, int]:
    """Waves until no slot is open, then the dataset; and how many pauses there were."""
    take, pauses, num_open = 0, 0, 1
    while num_open:
        take += 1
        pauses += run_resumed(mixture, "generate", take) + run_resumed(mixture, "quality", take)
        checkpoint = mixture.campaign.checkpoints.get()
        num_open = run(mixture, difficulty_job, take=take, checkpoint_id=checkpoint.pk)["open"]
    return Dataset.objects.get(pk=run(mixture, dataset_build_job)["dataset_id"]), pauses


def test_paused_again_and_again_a_round_makes_the_same_dataset_and_no_call_is_sent_twice(paused_after, tmp_path: Path):
    with served(make_server()) as calm:
        undisturbed = run_chain(make_world(calm)).manifest_hash
    paused_after(7)
    with served(make_server(delay_s=0.05, seed=3)) as server:
        dataset, pauses = run_paused(make_world(server))
    assert dataset.manifest_hash == undisturbed
    assert pauses >= 4
    assert server.paid_twice == []
    assert set(ModelCall.objects.values_list("num_sent", "status")) == {(1, "answered")}


def test_concurrency_that_moves_while_it_runs_is_part_of_no_result(monkeypatch):
    with served(make_server()) as calm:
        undisturbed = run_chain(make_world(calm)).manifest_hash
    numbers = cycle((1, 5, 32))
    monkeypatch.setattr("core.ledger.slots_at_once", lambda campaign_id: next(numbers))
    with served(make_server(delay_s=0.03, seed=5)) as server:
        assert run_chain(make_world(server)).manifest_hash == undisturbed
        assert server.paid_twice == []


def test_a_paused_job_sends_nothing_more_and_stores_what_was_under_way(paused_after):
    paused_after(3)
    with served(make_server(delay_s=0.1, seed=3)) as server:
        mixture = make_world(server)
        job = make_job(campaign=mixture.campaign, kind="generate", queue="agents", spec={"mixture_id": mixture.pk})
        execute_next("agents", HANDLERS)
        job.refresh_from_db()
        assert (job.status, job.error_code) == ("paused", "paused_by_person")
        assert 3 <= len(server.seen) < 30  # 3 answers, and the 8 slots that were at work
        calls = ModelCall.objects.filter(tool="")
        assert len(server.paid) == len(server.seen) == calls.filter(status="answered").count() == calls.count()
