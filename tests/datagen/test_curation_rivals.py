"""A person decides while a wave or the making of a dataset is under way: neither undoes what the other did."""

import pytest

from datagen.models import Dataset, Sample, Slot
from datagen.services import datasets, difficulty
from datagen.services.curation import sample_accept, sample_reassign, sample_reject
from datagen.services.datasets import dataset_build
from datagen.services.difficulty import slots_move_on
from tests.datagen.test_datasets import make_filled
from tests.datagen.test_difficulty import filter_once, make_checked, model  # noqa: F401
from tests.factories import make_context, make_job

pytestmark = pytest.mark.django_db


def while_it_answers(monkeypatch, deed):
    """Let ``deed`` happen after the filter has read its samples and before it stores their grades."""
    real = difficulty.gpu_run

    def run(context, gpu_run):
        folder = real(context, gpu_run)
        deed()
        return folder

    monkeypatch.setattr(difficulty, "gpu_run", run)


def test_a_slot_that_a_person_fills_meanwhile_is_no_longer_open(model, monkeypatch):  # noqa: F811
    told, _ = model
    mixture = make_checked("target", "target")
    told.update({0: 5, 1: 5})
    present = Sample.objects.get(slot__index=0)
    Slot.objects.filter(index=0).update(num_tries=1)
    Sample.objects.filter(pk=present.pk).update(try_ix=1)
    earlier = Sample.objects.create(
        slot=present.slot, try_ix=0, media=present.media, question="How?", answer="5", answer_type="number",
        status="rejected", reason="too_easy",
    )  # fmt: skip
    actor = mixture.campaign.created_by
    while_it_answers(monkeypatch, lambda: sample_accept(actor=actor, sample_id=earlier.pk))
    filter_once(mixture)
    accepted = Sample.objects.filter(status="accepted").order_by("slot__index")
    assert [(one.slot.index, one.try_ix) for one in accepted] == [(0, 0), (1, 0)]
    present.refresh_from_db()
    assert present.status == "checked"
    assert set(Slot.objects.values_list("status", flat=True)) == {"filled"}


def test_a_slot_whose_sample_a_person_moved_away_is_not_moved_once_more(model):  # noqa: F811
    mixture = make_checked("target", "target")
    Sample.objects.filter(slot__index=1).delete()
    sample = Sample.objects.get()
    Sample.objects.update(status="accepted")
    context = make_context(make_job(campaign=mixture.campaign))
    real = context.writing

    def late():
        context.writing = real
        sample_reassign(actor=mixture.campaign.created_by, sample_id=sample.pk, slot_index=1)
        return real()

    context.writing = late
    slots_move_on(context, mixture)
    assert list(Slot.objects.order_by("index").values_list("status", "num_tries")) == [("open", 1), ("filled", 0)]


def test_a_dataset_holds_what_people_decided_until_its_row_was_written(monkeypatch):
    mixture = make_filled(4, 4, share=0.5)
    sample = Sample.objects.filter(status="accepted").order_by("slot__index").first()
    real, actor = datasets.files_write, mixture.campaign.created_by

    def write(*arguments):
        written = real(*arguments)
        if Sample.objects.filter(pk=sample.pk, status="accepted").exists():
            sample_reject(actor=actor, sample_id=sample.pk)
        return written

    monkeypatch.setattr(datasets, "files_write", write)
    dataset_build(make_context(make_job(campaign=mixture.campaign)), mixture)
    dataset = Dataset.objects.get()
    assert dataset.num_samples == 3
    assert sample.slot.index not in [row[2] for row in dataset.manifest["samples"]]
