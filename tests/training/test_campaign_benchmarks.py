"""A campaign's file says how a benchmark is read, and the file that is read back says it again."""

import json

import pytest

from core.errors import InvalidInput
from core.jobs.engine import execute_next
from core.models import Campaign
from diagnostics.models import Benchmark
from dpe_site.stage_table import HANDLERS
from tests.diagnostics.makers import b64
from tests.factories import make_user
from tests.training.campaign_files import make_file, write_parts
from training.preflight import preflight
from training.selectors.setups import campaign_file_of
from training.services.campaign_setup import campaign_set_up

pytestmark = pytest.mark.django_db
HOW = {"format": "jsonl", "columns": {"question": "asked"}}


@pytest.fixture
def actor(import_root):
    write_parts(import_root)
    row = {"asked": "What is it?", "answer": "a clock", "image": b64(1)}
    (import_root / "log.txt").write_text(json.dumps(row))
    return make_user("ada")


def test_a_benchmark_that_does_not_tell_its_format_is_read_as_the_file_says(actor):
    file = make_file(benchmarks=[{"name": "clocks", "path": "log.txt", **HOW}])
    campaign = campaign_set_up(actor=actor, file=file).campaign
    while execute_next("work", HANDLERS):
        pass
    assert Benchmark.objects.get(name="clocks").num_items == 1
    (again,) = campaign_file_of(campaign).benchmarks
    assert (again.format, again.columns) == ("jsonl", {"question": "asked"})


def test_the_preflight_reads_the_file_in_the_same_way(actor):
    for how, status in ((HOW, "warn"), ({}, "fail"), ({"format": "jsonl"}, "fail")):
        file = make_file(benchmarks=[{"name": "clocks", "path": "log.txt", **how}])
        checks = {check.name: check.status for check in preflight(actor=actor, file=file, offline=True)}
        assert checks["benchmark clocks"] == status, how


@pytest.mark.parametrize("bad", [{"format": "yaml"}, {"columns": {"colour": "c"}}])
def test_a_word_that_no_reader_knows_is_named_by_its_place_in_the_file(actor, bad):
    file = make_file(benchmarks=[{"name": "shapes", "path": "shapes.tsv", **bad}])
    with pytest.raises(InvalidInput) as caught:
        campaign_set_up(actor=actor, file=file)
    assert caught.value.field == f"benchmarks.0.{next(iter(bad))}"
    assert not Campaign.objects.exists()


def test_a_model_known_by_its_predictions_alone_is_not_what_the_file_starts_from(actor):
    campaign = campaign_set_up(actor=actor, file=make_file(checkpoint=None)).campaign
    campaign.checkpoints.create(name="elsewhere", path="", content_hash="e" * 64)
    assert campaign_file_of(campaign).checkpoint is None
