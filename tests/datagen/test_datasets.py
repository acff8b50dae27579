import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from core.domain.files import hash_bytes, hash_file
from core.errors import ShortOfSamples
from core.media import media_store, picture_check
from datagen.models import Dataset, Mixture, Sample, Slot
from datagen.services.datasets import dataset_build
from diagnostics.models import AnswerRun, Checkpoint, Report
from tests.factories import make_campaign, make_context, make_job

pytestmark = pytest.mark.django_db


def png(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (28, 28), (shade, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def make_filled(num_accepted: int, num_slots: int, share: float = 0.8) -> Mixture:
    campaign = make_campaign(generation={"min_accept_share": share})
    checkpoint = Checkpoint.objects.create(campaign=campaign, name="base", path="/x", content_hash="c")
    run = AnswerRun.objects.create(campaign=campaign, checkpoint=checkpoint, split="probe", label="d")
    report = Report.objects.create(campaign=campaign, run=run, tau=0.7, alpha=0.05, num_scored=1, num_unscored=0)
    mixture = Mixture.objects.create(
        campaign=campaign, report=report, policy="calibrated", total=num_slots, seed=3, manifest_hash="m" * 64
    )
    for index in range(num_slots):
        slot = Slot.objects.create(mixture=mixture, index=index, skill="count", purpose="target", image_type="map")
        picture = picture_check(png(index))
        media_store(campaign, [picture])
        accepted = index < num_accepted
        Sample.objects.create(
            slot=slot,
            try_ix=0,
            media_id=picture.sha256,
            question="How many?",
            answer=str(index),
            answer_type="number",
            status="accepted" if accepted else "rejected",
            reason="" if accepted else "too_easy",
        )
    return mixture


def build(mixture: Mixture) -> Dataset:
    return dataset_build(make_context(make_job(campaign=mixture.campaign)), mixture)


def test_the_file_is_what_trl_reads_with_pictures_and_block_lists():
    dataset = build(make_filled(3, 3))
    table = pq.read_table(dataset.path)
    first = table.to_pylist()[0]
    content = first["prompt"][0]["content"]
    assert [block["type"] for block in content] == ["image", "text"]
    assert set(content[0]) == {"type", "text"}
    assert first["images"][0]["bytes"] == png(0)
    assert [row["solution"] for row in table.to_pylist()] == ["0", "1", "2"]
    assert json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]["images"]["_type"] == "List"


def test_the_datasets_library_sees_lists_of_images_and_opens_them(tmp_path):
    import datasets

    dataset = build(make_filled(3, 3))
    loaded = datasets.load_dataset("parquet", data_files=dataset.path, split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.features["images"] == datasets.List(datasets.Image())
    row = loaded[1]
    assert row["images"][0].size == (28, 28) and row["images"][0].getpixel((0, 0)) == (1, 0, 0)
    assert row["prompt"][0]["content"][0]["type"] == "image" and "image" not in row["prompt"][0]["content"][0]
    assert json.loads(row["options"]) == {}


def test_rows_come_in_groups_and_the_same_rows_are_the_same_bytes(monkeypatch):
    monkeypatch.setattr("datagen.parquet.ROW_GROUP", 2)
    first, second = build(make_filled(5, 5)), build(make_filled(5, 5))
    assert pq.ParquetFile(first.path).num_row_groups == 3
    assert first.file_hash == second.file_hash == hash_file(Path(second.path))


def test_the_manifest_lies_beside_the_file_and_names_content_only(settings):
    dataset = build(make_filled(2, 3, share=0.5))
    beside = json.loads(Path(dataset.path).with_suffix(".json").read_text())
    assert beside == dataset.manifest
    assert hash_bytes(json.dumps(beside, sort_keys=True, separators=(",", ":"))) == dataset.manifest_hash
    assert beside["counts"]["accepted"] == 2 and beside["counts"]["rejected"] == {"too_easy": 1}
    assert beside["shortfall"] == [{"skill": "count", "wanted": 3, "got": 2, "reasons": "too_easy 1"}]
    assert sorted(path.name for path in Path(settings.DATASETS_ROOT).iterdir()) == [
        f"{dataset.manifest_hash}.json",
        f"{dataset.manifest_hash}.parquet",
    ]


def test_it_is_made_once_and_named_by_its_content():
    mixture = make_filled(3, 3)
    dataset = build(mixture)
    assert build(mixture).pk == dataset.pk
    assert Path(dataset.path).name == f"{dataset.manifest_hash}.parquet"


def test_equal_samples_give_the_same_manifest_whatever_their_rows_are_called():
    assert build(make_filled(3, 3)).manifest_hash == build(make_filled(3, 3)).manifest_hash
    assert build(make_filled(2, 2)).manifest_hash != build(make_filled(3, 3)).manifest_hash


def test_too_few_samples_are_a_table_of_shortfalls_and_no_dataset():
    with pytest.raises(ShortOfSamples, match=r"1 of 3 samples.*\ncount: 1 of 3 \(too_easy 2\)"):
        build(make_filled(1, 3))
    assert not Dataset.objects.exists()
