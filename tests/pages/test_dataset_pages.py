"""Dataset pages: composition, difficulty, manifest, samples, and the files."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from datagen.models import Dataset, Sample
from tests.pages.asking import page, saved
from tests.pages.comparing import make_dataset
from tests.pages.rows import make_checkpoint, make_mixture, make_report, make_round, make_run, make_samples


def make_built(campaign, name: str = "judged", total: int = 33) -> Dataset:
    mixture = make_mixture(make_report(make_run(campaign, make_checkpoint(campaign, name), num_items=1)), total=total)
    make_samples(mixture)
    return make_dataset(mixture)


@pytest.fixture
def dataset(campaign) -> Dataset:
    return make_built(campaign)


def place(dataset):
    return dataset.campaign.slug, dataset.pk


def test_the_list_shows_every_dataset_by_its_hash(admin, dataset):
    html = page(admin, "dataset-list", dataset.campaign.slug)
    assert dataset.manifest_hash[:12] in html and f">{dataset.num_samples}<" in html


def test_a_campaign_without_datasets_says_what_comes(admin, campaign):
    assert "No dataset yet" in page(admin, "dataset-list", campaign.slug)


def test_composition_compares_accepted_samples_with_the_quota(admin, dataset):
    row = dataset.mixture.rows.get(skill="count")
    got = Sample.objects.filter(slot__mixture=dataset.mixture, slot__skill="count", status="accepted").count()
    html = page(admin, "dataset-detail", *place(dataset))
    shown = html.split('scope="row">count<')[1].split("</tr>")[0]
    assert f">{row.quota}<" in shown and f">{got}<" in shown and "target" in shown
    assert got <= row.quota


def test_what_is_decided_later_does_not_change_what_the_dataset_was(admin, dataset):
    before = page(admin, "dataset-detail", *place(dataset)).split("Composition")[1].split("Manifest")[0]
    Sample.objects.filter(slot__mixture=dataset.mixture).update(status="rejected", num_correct=0)
    assert page(admin, "dataset-detail", *place(dataset)).split("Composition")[1].split("Manifest")[0] == before


def test_the_histogram_counts_how_often_the_parent_was_right(admin, dataset):
    dataset.manifest["samples"] = [
        [*row[:4], right, 9] for row, right in zip(dataset.manifest["samples"], (3, 3, 7), strict=False)
    ]
    dataset.save()
    html = page(admin, "dataset-detail", *place(dataset))
    assert "2 samples at 3 right" in html and "1 samples at 7 right" in html and "0 samples at 4 right" in html


def test_the_manifest_is_readable(admin, dataset):
    html = page(admin, "dataset-detail", *place(dataset))
    for shown in (
        dataset.manifest_hash,
        dataset.file_hash,
        "question writer",
        "teacher",
        "boxed-1",
        "2 of 3",
        "gold suspect 1",
    ):
        assert shown in html, shown


def test_it_says_who_trained_on_it(admin, campaign):
    make_round(campaign, "train")
    run = campaign.training_runs.get()
    html = page(admin, "dataset-detail", campaign.slug, run.dataset_id)
    assert f'href="/campaigns/{campaign.slug}/training/{run.pk}/"' in html


def test_samples_come_page_by_page_in_the_order_of_the_file(admin, dataset):
    html = page(admin, "dataset-detail", *place(dataset))
    assert html.count("<article") == 24
    after = html.split("?after=")[1].split("#")[0]
    rest = page(admin, "dataset-detail", *place(dataset), query=f"?after={after}")
    assert rest.count("<article") == dataset.num_samples - 24


def test_a_sample_that_was_moved_since_is_not_lost(admin, dataset):
    Sample.objects.filter(slot__mixture=dataset.mixture, slot__index=dataset.manifest["samples"][0][2]).delete()
    assert "A person moved this sample" in page(admin, "dataset-detail", *place(dataset))


def test_files_come_whole(admin, dataset):
    parquet = saved(admin, "dataset-file", *place(dataset), "parquet")
    assert parquet == Path(dataset.path).read_bytes()
    assert json.loads(saved(admin, "dataset-file", *place(dataset), "manifest")) == dataset.manifest


def test_the_papers_lines_say_what_the_samples_say(admin, dataset):
    lines = [json.loads(line) for line in saved(admin, "dataset-file", *place(dataset), "jsonl").splitlines()]
    assert len(lines) == dataset.num_samples
    _, image, _, _, right, scored = dataset.manifest["samples"][0]
    assert {"question_type", "image_type", "question", "answer", "image", "score"} <= set(lines[0])
    assert (lines[0]["image"], lines[0]["score"]) == (f"/media/{image}", right / scored)
    solutions = pq.read_table(dataset.path, columns=["solution"]).column("solution").to_pylist()
    assert [line["answer"] for line in lines] == solutions


def test_a_file_that_is_gone_or_unknown_is_not_found(admin, dataset):
    page(admin, "dataset-file", *place(dataset), "csv", status=404)
    Path(dataset.path).unlink()
    page(admin, "dataset-file", *place(dataset), "parquet", status=404)


def test_datasets_are_for_members_and_of_this_campaign_only(as_role, dataset):
    slug, pk = place(dataset)
    page(as_role("viewer"), "dataset-detail", slug, pk)
    page(as_role("stranger"), "dataset-list", slug, status=403)
    page(as_role("stranger"), "dataset-detail", slug, pk, status=403)
    page(as_role("stranger"), "dataset-file", slug, pk, "parquet", status=403)
    page(as_role("viewer"), "dataset-detail", slug, pk + 1, status=404)


def test_pages_cost_the_same_queries_however_many_samples_and_datasets(admin, campaign, django_assert_max_num_queries):
    counts = []
    for name, total in (("few", 11), ("many", 60)):
        dataset = make_built(campaign, name, total)
        with django_assert_max_num_queries(10) as detail:
            page(admin, "dataset-detail", *place(dataset))
        with django_assert_max_num_queries(6) as listed:
            page(admin, "dataset-list", campaign.slug)
        counts.append((len(detail), len(listed)))
    assert counts[0] == counts[1]
