"""Datasets and their files through REST."""

import warnings
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from tests.factories import make_member, make_user
from tests.pages.comparing import make_dataset
from tests.pages.rows import make_checkpoint, make_full_campaign, make_mixture, make_report, make_run, make_samples

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset():
    campaign = make_full_campaign()
    mixture = make_mixture(make_report(make_run(campaign, make_checkpoint(campaign, "judged"), 1)), total=11)
    make_samples(mixture)
    return make_dataset(mixture)


def get(dataset, rest: str = "", *, person=None):
    client = APIClient()
    client.force_authenticate(person or make_member(dataset.campaign, "viewer"))
    return client.get(f"/api/v1/campaigns/{dataset.campaign.slug}/datasets{rest}")


def test_a_dataset_comes_with_its_manifest(dataset):
    (row,) = get(dataset).json()["data"]
    assert (row["id"], row["manifest_hash"], row["num_samples"]) == (
        dataset.pk,
        dataset.manifest_hash,
        dataset.num_samples,
    )
    assert "manifest" not in row
    assert get(dataset, f"/{dataset.pk}").json()["manifest"] == dataset.manifest


def test_its_file_is_what_was_trained_on(dataset):
    answer = get(dataset, f"/{dataset.pk}/parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert b"".join(answer) == Path(dataset.path).read_bytes()


def test_an_unknown_format_is_a_problem(dataset):
    answer = get(dataset, f"/{dataset.pk}/csv")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("rest", ["", "/{pk}", "/{pk}/parquet"])
def test_strangers_learn_nothing(dataset, rest):
    assert get(dataset, rest.format(pk=dataset.pk), person=make_user()).status_code == 403
