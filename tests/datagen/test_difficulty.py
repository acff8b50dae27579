"""The filter with a model that answers as told, through the same files that a real child writes."""

import json

import pytest

from core.domain.files import write_atomic
from core.errors import InvalidInput, LeaseLost
from core.specs import ANSWERS_FILE, ITEMS_FILE
from datagen.models import Sample, Slot
from datagen.services import difficulty
from datagen.services.difficulty import difficulty_filter
from diagnostics.models import Checkpoint
from tests.datagen.test_datasets import make_filled
from tests.factories import make_campaign, make_context, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(monkeypatch):
    """Tell it how many of nine answers are right, by slot index; it counts its runs."""
    told: dict[int, int] = {}
    runs: list[str] = []

    def run(context, gpu_run):
        folder = gpu_run.folder
        folder.mkdir(parents=True, exist_ok=True)
        gpu_run.write_inputs(folder)
        runs.append(gpu_run.spec.run_name())
        lines = []
        for item in (json.loads(line) for line in (folder / ITEMS_FILE).read_text().splitlines()):
            slot = int(item["id"].split("/")[0][1:])
            for ix in range(9):
                text = f"\\boxed{{{slot if ix < told[slot] else 777}}}"
                row = {"id": item["id"], "sample_ix": ix, "text": text, "num_tokens": 3, "finish": "stop", "batch": 0}
                lines.append(json.dumps(row))
        write_atomic(folder / ANSWERS_FILE, "\n".join(lines) + "\n")
        return folder

    monkeypatch.setattr(difficulty, "gpu_run", run)
    return told, runs


def make_checked(*purposes: str, confirmed: bool = True):
    mixture = make_filled(0, len(purposes))
    Sample.objects.update(status="checked", reason="", is_gold_confirmed=confirmed)
    for index, purpose in enumerate(purposes):
        Slot.objects.filter(index=index).update(purpose=purpose)
    return mixture


def filter_once(mixture):
    checkpoint = Checkpoint.objects.get()
    return difficulty_filter(make_context(make_job(campaign=mixture.campaign)), mixture, checkpoint)


def statuses() -> list[tuple[str, str]]:
    return list(Sample.objects.order_by("slot__index").values_list("status", "reason"))


def test_targets_keep_three_to_seven_right_of_nine_and_replay_keeps_perfect_skills(model):
    told, _ = model
    mixture = make_checked("target", "target", "target", "target", "replay")
    told.update({0: 2, 1: 3, 2: 7, 3: 9, 4: 9})
    assert filter_once(mixture) == {"open": 2, "filled": 3, "given_up": 0}
    assert statuses() == [
        ("rejected", "too_hard"),
        ("accepted", ""),
        ("accepted", ""),
        ("rejected", "too_easy"),
        ("accepted", ""),
    ]
    assert list(Slot.objects.filter(status="open").values_list("index", "num_tries")) == [(0, 1), (3, 1)]


def test_a_model_that_agrees_on_another_answer_is_a_weakness_only_when_the_gold_is_confirmed(model):
    told, _ = model
    told.update({0: 4})
    filter_once(make_checked("target", confirmed=False))
    assert statuses() == [("held", "majority_disagrees")]
    Sample.objects.update(status="checked", is_gold_confirmed=True, num_scored=None, num_correct=None)
    Slot.objects.update(num_tries=0)
    from datagen.models import Mixture

    filter_once(Mixture.objects.get())
    assert statuses() == [("accepted", "")]


def test_a_slot_that_was_refilled_often_enough_is_given_up_with_its_reason(model):
    told, _ = model
    mixture = make_checked("target")
    most = mixture.campaign.config.generation.max_refills
    Slot.objects.update(num_tries=most)
    Sample.objects.update(try_ix=most)
    told.update({0: 0})
    assert filter_once(mixture) == {"open": 0, "filled": 0, "given_up": 1}
    assert Slot.objects.get().reason == "too_hard"


def test_a_sample_that_quality_control_rejected_frees_its_slot_without_being_scored(model):
    _, runs = model
    mixture = make_filled(0, 1)
    filter_once(mixture)
    assert (runs, Slot.objects.get().num_tries) == ([], 1)


def test_killed_between_two_chunks_it_scores_the_same_set_again_and_decides_nothing_twice(model, monkeypatch):
    told, runs = model
    mixture = make_checked("target", "target", "target")
    told.update({0: 5, 1: 5, 2: 9})
    monkeypatch.setattr("datagen.outcomes.CHUNK", 1)
    context = make_context(make_job(campaign=mixture.campaign))
    real, calls = context.writing, []

    def dying():
        calls.append(1)
        if len(calls) == 2:
            raise LeaseLost("killed here")
        return real()

    monkeypatch.setattr(context, "writing", dying)
    with pytest.raises(LeaseLost):
        difficulty_filter(context, mixture, Checkpoint.objects.get())
    assert sorted(Sample.objects.values_list("status", flat=True)) == ["accepted", "checked", "checked"]
    assert filter_once(mixture) == {"open": 1, "filled": 2, "given_up": 0}
    assert len(set(runs)) == 1


def test_what_each_sample_teaches_is_stored(model):
    told, _ = model
    mixture = make_checked("target")
    told.update({0: 4})
    filter_once(mixture)
    sample = Sample.objects.get()
    assert (sample.num_correct, sample.num_scored) == (4, 9)
    assert 0.9 < sample.gradient_probability < 1.0
    assert sample.evidence["model_answers"] == {"0": 4, "777": 5}


@pytest.mark.parametrize(("policy", "kept"), [("calibrated", [4]), ("ref", [])])
def test_calibrated_keeps_one_hard_sample_in_five_when_its_gold_is_confirmed(model, policy, kept):
    told, _ = model
    mixture = make_checked(*["target"] * 6)
    type(mixture).objects.update(policy=policy)
    mixture.refresh_from_db()
    told.update({0: 5, 1: 5, 2: 5, 3: 5, 4: 2, 5: 1})
    filter_once(mixture)
    accepted = Sample.objects.filter(status="accepted").order_by("slot__index")
    assert [s.slot.index for s in accepted if s.num_correct < 3] == kept
    assert [s.slot.index for s in accepted if s.evidence["is_kept_hard"]] == kept


def test_the_next_wave_counts_the_hard_samples_that_are_kept_already(model):
    told, _ = model
    mixture = make_checked(*["target"] * 6)
    told.update({0: 5, 1: 5, 2: 5, 3: 5, 4: 2, 5: 1})
    filter_once(mixture)
    last = Sample.objects.get(slot__index=5)
    Sample.objects.create(
        slot=last.slot, try_ix=1, media=last.media, question="How?", answer="5", answer_type="number",
        status="checked", is_gold_confirmed=True,
    )  # fmt: skip
    assert filter_once(mixture)["filled"] == 5
    assert Sample.objects.get(try_ix=1).reason == "too_hard"


def test_a_slot_whose_sample_is_not_decided_yet_stays_where_it_is(model):
    mixture = make_checked("target")
    Sample.objects.update(status="written")
    assert filter_once(mixture) == {"open": 1, "filled": 0, "given_up": 0}
    assert Slot.objects.get().num_tries == 0


def test_the_checkpoint_must_be_of_the_same_campaign(model):
    mixture = make_checked("target")
    other = Checkpoint.objects.create(campaign=make_campaign(), name="x", path="/x", content_hash="x")
    with pytest.raises(InvalidInput):
        difficulty_filter(make_context(make_job(campaign=mixture.campaign)), mixture, other)


def test_the_child_gets_the_campaigns_sampling_with_the_engines_length(model):
    mixture = make_checked("target")
    sampling = difficulty.spec_of(mixture, Checkpoint.objects.get(), []).sampling
    assert (sampling.num_answers, sampling.temperature, sampling.top_k) == (9, 1.0, 40)
    assert sampling.max_new_tokens == mixture.campaign.config.engine.max_new_tokens
