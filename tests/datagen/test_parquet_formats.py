"""Datasets in the columns of other trainers."""

import io

import pyarrow.parquet as pq
import pytest
from PIL import Image

from core.media import media_path
from datagen.parquet import ROW_GROUP, TrainingRow, parquet_write
from datagen.parquet_formats import FIELDS, parquet_as
from tests.pages.rows import make_full_campaign, make_picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def picture() -> str:
    return make_picture(make_full_campaign(), 1)


@pytest.fixture
def path(tmp_path, picture):
    """A dataset of three row groups."""
    facts = {"options": {"A": "red", "B": "blue"}, "solution": "B", "answer_type": "choice", "skill": "colour"}
    rows = [
        TrainingRow(picture, f"Which colour? {n}", sample_id=str(n), purpose="target", mixture_hash="m", **facts)
        for n in range(2 * ROW_GROUP + 1)
    ]
    parquet_write(tmp_path / "dataset.parquet", rows, lambda: None)
    return tmp_path / "dataset.parquet"


def rows_as(path, kind: str) -> list[dict]:
    return pq.read_table(io.BytesIO(b"".join(parquet_as(path, kind)))).to_pylist()


def test_easyr1_gets_its_problem_with_the_place_of_the_picture(path, picture):
    row, *rest = rows_as(path, "easyr1")
    assert list(row) == ["problem", "answer", "images"]
    assert row["problem"].startswith("<image>Which colour? 0\nA. red\nB. blue\n")
    assert (row["answer"], row["images"][0]["bytes"]) == ("B", media_path(picture).read_bytes())
    assert len(rest) == 2 * ROW_GROUP


def test_verl_gets_its_prompt_and_what_a_rule_compares_with(path):
    row = rows_as(path, "verl")[-1]
    assert list(row) == ["data_source", "prompt", "images", "ability", "reward_model", "extra_info"]
    (turn,) = row["prompt"]
    assert (turn["role"], turn["content"].count("<image>"), len(row["images"])) == ("user", 1, 1)
    assert row["reward_model"] == {"style": "rule", "ground_truth": "B"}
    assert (row["ability"], row["extra_info"]["sample_id"]) == ("colour", str(2 * ROW_GROUP))


@pytest.mark.parametrize("kind", FIELDS)
def test_it_is_sent_a_row_group_at_a_time(path, kind):
    pieces = list(parquet_as(path, kind))
    assert len(pieces) == 4 and pieces[0].startswith(b"PAR1") and pieces[-1].endswith(b"PAR1")
    assert max(map(len, pieces)) < len(b"".join(pieces))


@pytest.mark.parametrize("kind", FIELDS)
def test_the_datasets_library_reads_its_pictures_as_pictures(path, kind, tmp_path):
    from datasets import Dataset

    (tmp_path / "other.parquet").write_bytes(b"".join(parquet_as(path, kind)))
    rows = Dataset.from_parquet(str(tmp_path / "other.parquet"), cache_dir=str(tmp_path / "cache"))
    assert isinstance(rows[0]["images"][0], Image.Image)
