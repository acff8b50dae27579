"""From open slots to a dataset: the same manifest whatever the order of arrival, and whatever was killed on the way."""

from collections import Counter
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from core.errors import JobCancelled, ShortOfSamples, UpstreamUnavailable
from core.jobs.engine import Handler, execute_next
from core.models import Job, ModelCall
from datagen import outcomes
from datagen.handlers import dataset_build_job, difficulty_job, generate_job, quality_job
from datagen.models import Sample
from datagen.selectors import sample_counts
from datagen.services import datasets, difficulty, generation, quality_control
from tests.datagen.fake_world import FakeModel, make_server, make_world, run, run_chain, wave
from tests.factories import make_job
from tests.fake_endpoint import served

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """One media folder for all tests here: every world shows the same pictures."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(autouse=True)
def model(monkeypatch, settings, pictures) -> FakeModel:
    """The model behind the GPU border, and a server that is down is down at once."""
    settings.MEDIA_ROOT = pictures
    monkeypatch.setattr("django.conf.settings.CALL_PATIENCE_S", 0)
    model = FakeModel()
    monkeypatch.setattr(difficulty, "gpu_run", model)
    return model


@pytest.fixture
def server():
    with served(make_server()) as endpoint:
        yield endpoint


@cache
def calm_hash() -> str:
    """The manifest of a chain that nothing disturbed; the same in every test."""
    with served(make_server()) as server:
        return run_chain(make_world(server)).manifest_hash


def test_a_whole_chain_fills_slots_and_explains_every_one_that_it_does_not(server):
    mixture = make_world(server)
    dataset = run_chain(mixture)
    counts = sample_counts(mixture)
    assert counts["slots"] == 12 and counts["open"] == 0
    assert counts["filled"] == counts["accepted"] == dataset.num_samples > 6
    assert set(mixture.slots.filter(status="given_up").values_list("reason", flat=True)) <= set(counts["rejected"])
    assert len({"too_easy", "too_hard", "ambiguous", "gold_suspect", "bad_answer"} & set(counts["rejected"])) >= 3
    rows = pq.read_table(dataset.path).to_pylist()
    samples = Sample.objects.filter(status="accepted").order_by("slot__index")
    assert [row["solution"] for row in rows] == [sample.answer for sample in samples]
    assert server.paid_twice == []


def test_no_picture_is_used_twice_in_a_campaign(server):
    mixture = make_world(server)
    run_chain(mixture)
    pictures = Counter(Sample.objects.values_list("media_id", flat=True))
    assert max(pictures.values()) == 1 and len(pictures) > 12


def test_the_order_in_which_answers_arrive_changes_nothing():
    with served(make_server(delay_s=0.03, seed=1)) as slow:
        assert run_chain(make_world(slow)).manifest_hash == calm_hash()


def test_a_server_that_gives_one_choice_at_a_time_is_asked_for_each_solve(server):
    server.max_n = 1
    mixture = make_world(server)
    run(mixture, generate_job, take=1)
    run(mixture, quality_job, take=1)
    solves = server.asked("Solve")
    num_solved = Sample.objects.filter(evidence__has_key="blind_solves").count()
    alone = [asked for asked in solves if asked.seed in (1, 2, 3)]
    singles = Counter(asked.text + asked.images[0] for asked in alone)
    assert set(singles.values()) == {3} and len(singles) == num_solved
    assert {asked.n for asked in alone} == {1}
    assert len(solves) - len(alone) <= 8  # asked for several: only those under way before the first reply


def test_a_server_that_a_test_found_to_give_one_choice_is_never_asked_for_several(server):
    server.max_n = 1
    mixture = make_world(server)
    mixture.campaign.endpoints.update(capabilities={"images": True, "n": 1, "json_schema": True})
    run(mixture, generate_job, take=1)
    run(mixture, quality_job, take=1)
    assert server.asked("Solve") and not any(asked.has_n or asked.n > 1 for asked in server.seen)


def test_solves_one_at_a_time_lead_to_the_same_samples():
    with served(make_server(max_n=1, delay_s=0.01)) as slow:
        assert run_chain(make_world(slow)).manifest_hash == calm_hash()


@pytest.mark.parametrize("answers", [0, 11, 30])
def test_a_server_that_goes_down_makes_the_job_wait_and_nothing_is_asked_again(answers):
    with served(make_server(down_after=answers)) as shaky:
        mixture = make_world(shaky)
        job = make_job(campaign=mixture.campaign, kind="generate", spec={"mixture_id": mixture.pk, "take": 1})
        execute_next("work", {"generate": Handler(generate_job)})
        job.refresh_from_db()
        assert (job.status, job.num_failures) == ("waiting", 1) and job.not_before
        stored = ModelCall.objects.filter(campaign=mixture.campaign, status="answered", tool="")
        kept = set(stored.values_list("idempotency_key", flat=True))
        assert kept <= set(shaky.paid)
        shaky.down_after = None
        before = len(shaky.seen)
        Job.objects.update(not_before=None)
        execute_next("work", {"generate": Handler(generate_job)})
        again = {asked.key for asked in shaky.seen[before:]}
        assert not again & kept
        assert run_chain(mixture).manifest_hash == calm_hash()


def test_a_call_in_flight_at_the_kill_is_repeated_with_the_same_key():
    with served(make_server(down_after=9)) as shaky:
        mixture = make_world(shaky)
        with pytest.raises(UpstreamUnavailable):
            run(mixture, generate_job, take=1)
        lost = set(ModelCall.objects.exclude(status="answered").values_list("idempotency_key", flat=True))
        shaky.down_after = None
        before = len(shaky.seen)
        run(mixture, generate_job, take=1)
        assert lost and lost <= {asked.key for asked in shaky.seen[before:]}
        assert set(ModelCall.objects.filter(idempotency_key__in=lost).values_list("status", flat=True)) == {"answered"}


class Killed(BaseException):
    """Ends everything at once, as a kill would; what is committed stays."""


def killed_after(monkeypatch, module, name: str, times: int) -> None:
    """Let the named function of the module work so many times, then die."""
    real, calls = getattr(module, name), []

    def dies(*args, **kwargs):
        calls.append(name)
        if len(calls) == times + 1:
            raise Killed
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, dies)


@pytest.mark.parametrize(
    ("module", "name", "times"),
    [
        (generation, "samples_create", 0),
        (generation, "samples_create", 1),
        (quality_control, "samples_update", 0),
        (quality_control, "samples_update", 1),
        (outcomes, "samples_update", 0),
        (outcomes, "samples_update", 2),
        (difficulty, "move_of", 5),
        (difficulty, "slots_move_on", 0),
        (datasets, "write_atomic", 0),
        (datasets, "audit", 0),
    ],
)
def test_killed_anywhere_and_run_again_the_dataset_is_the_same(server, monkeypatch, module, name, times):
    monkeypatch.setattr("datagen.outcomes.CHUNK", 7)
    mixture = make_world(server)
    with monkeypatch.context() as patch:
        killed_after(patch, module, name, times)
        with pytest.raises(Killed):
            run_chain(mixture)
    assert run_chain(mixture).manifest_hash == calm_hash()
    shown = ModelCall.objects.filter(num_sent__gt=1).values_list("idempotency_key", flat=True)
    assert set(server.paid_twice) <= set(shown)


def test_a_graded_wave_is_not_answered_again(server, model, monkeypatch):
    mixture = make_world(server)
    run(mixture, generate_job, take=1)
    run(mixture, quality_job, take=1)
    monkeypatch.setattr("datagen.outcomes.CHUNK", 2)
    spec = {"take": 1, "checkpoint_id": mixture.campaign.checkpoints.get().pk}
    with monkeypatch.context() as patch:
        killed_after(patch, outcomes, "samples_update", 2)
        with pytest.raises(Killed):
            run(mixture, difficulty_job, **spec)
    first = run(mixture, difficulty_job, **spec)
    assert run(mixture, difficulty_job, **spec) == first
    assert len(model.runs) == 1


def test_every_stage_run_twice_changes_nothing(server):
    mixture = make_world(server)
    for handler in (generate_job, quality_job):
        first = run(mixture, handler, take=1)
        rows = list(Sample.objects.order_by("id").values())
        assert run(mixture, handler, take=1) == first
        assert list(Sample.objects.order_by("id").values()) == rows
    assert server.paid_twice == []


def test_the_next_try_is_told_what_was_wrong_with_the_last(server):
    server.replies["Validation"] = lambda asked: {"valid": False, "reason": "ambiguous: two clocks"}
    mixture = make_world(server, total=6)
    assert wave(mixture, 1)["open"] == 6
    server.seen.clear()
    wave(mixture, 2)
    briefs = [asked.data["brief"] for asked in server.asked("Plan")]
    assert len(briefs) >= 6
    assert all("The question allows more than one answer." in brief and "two clocks" in brief for brief in briefs)


def test_slots_are_given_up_with_their_last_reason_after_the_last_try(server):
    server.replies["Validation"] = lambda asked: {"valid": False, "reason": "no"}
    mixture = make_world(server, total=6)
    assert [wave(mixture, take)["given_up"] for take in (1, 2)] == [0, 6]
    assert set(mixture.slots.values_list("num_tries", flat=True)) == {2}
    reasons = set(mixture.slots.values_list("reason", flat=True))
    assert "refused_by_validator" in reasons
    with pytest.raises(ShortOfSamples, match=r"0 of 6 samples(?s:.*)clock: 0 of .*refused_by_validator"):
        run(mixture, dataset_build_job)


def test_a_cancelled_job_stops_between_calls(server, monkeypatch):
    monkeypatch.setattr("core.ledger.BEAT_S", 0.01)
    server.delay_s = 2
    mixture = make_world(server)
    job = make_job(campaign=mixture.campaign, kind="generate", spec={"mixture_id": mixture.pk, "take": 1})
    Job.objects.filter(pk=job.pk).update(cancel_requested_at="2026-01-01T00:00:00Z")
    execute_next("work", {"generate": Handler(generate_job)})
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("cancelled", JobCancelled.code)
