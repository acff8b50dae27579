"""What the pages offer to import: every ending that an importer reads, and nothing that only lies beside data."""

import pytest

from diagnostics.formats import detect, predictions
from tests.datagen.rows import write_pool
from tests.diagnostics.makers import make_adapter
from training.selectors import import_files as selector
from training.selectors.import_files import import_files


def test_every_ending_that_an_importer_reads_is_offered_where_it_may_be_read(import_root):
    endings = {*detect.ENDINGS, *predictions.ENDINGS}
    for ending in endings | {".txt", ".png", ".yaml"}:
        (import_root / f"data{ending}").touch()
    files = import_files()
    assert set(files.benchmarks) == {f"data{ending}" for ending in detect.ENDINGS}
    assert set(files.predictions) == {f"data{ending}" for ending in predictions.ENDINGS}
    assert ".parquet" in detect.ENDINGS and ".xlsx" in predictions.ENDINGS


def test_capitals_in_an_ending_do_not_hide_a_file(import_root):
    (import_root / "SUITE.TSV").touch()
    assert import_files().benchmarks == import_files().predictions == ("SUITE.TSV",)


@pytest.mark.parametrize("name", ["dataset_info.json", "state.json", "pool.jsonl"])
def test_what_describes_data_is_not_offered_as_data(import_root, name):
    (import_root / "set").mkdir()
    (import_root / "set" / "data-00000-of-00001.arrow").touch()
    (import_root / name).touch()
    assert import_files().benchmarks == ("set/data-00000-of-00001.arrow",)


def test_files_inside_a_pool_are_its_own(import_root):
    write_pool(import_root / "photos", 2)
    (import_root / "photos" / "notes.csv").touch()
    files = import_files()
    assert (files.benchmarks, files.pools) == ((), ("photos",))


def test_a_file_that_two_importers_read_counts_once_against_the_limit(import_root, monkeypatch):
    monkeypatch.setattr(selector, "MAX_FOUND", 4)
    for number in range(3):
        (import_root / f"{number}.tsv").touch()
    files = import_files()
    assert (len(files.benchmarks), len(files.predictions), files.is_cut) == (3, 3, False)
    (import_root / "3.tsv").touch()
    assert import_files().is_cut


def test_a_folder_of_adapters_is_offered_as_a_checkpoint(import_root):
    make_adapter(import_root / "adapters")
    assert import_files().checkpoints == ("adapters",)
