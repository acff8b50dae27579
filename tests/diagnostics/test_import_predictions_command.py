"""Predictions come in from the command line, and what is wrong is said in one line."""

import json

import pytest
from django.core.management import CommandError, call_command

from diagnostics.models import Report
from tests.diagnostics.makers import tsv_row, write_tsv
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(import_root, capsys):
    """A campaign with a benchmark of two probe items, and a file that answers one of them."""
    campaign = make_campaign()
    write_tsv(import_root / "bench.tsv", [tsv_row(n, split="probe") for n in range(2)])
    write_tsv(import_root / "m_bench.tsv", [{"index": "0", "prediction": "\\boxed{B}"}])
    call_command("import_benchmark", "bench.tsv", campaign=campaign.slug)
    capsys.readouterr()
    return campaign


def bring(made, **options: str) -> None:
    words = {"campaign": made.slug, "benchmark": "bench", "checkpoint_name": "Elsewhere-7B"}
    words |= {"file": "m_bench.tsv", **options}
    call_command("import_predictions", words.pop("file"), **words)


def test_predictions_come_in_graded_and_diagnosed_and_the_join_is_printed(campaign, capsys):
    bring(campaign)
    printed = json.loads(capsys.readouterr().out)
    assert (printed["items"], printed["join"]["items_without"]) == (1, 1)
    assert Report.objects.get(pk=printed["report_id"]).run.checkpoint.name == "Elsewhere-7B"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"campaign": "none"}, "no campaign 'none'"),
        ({"actor": "nobody"}, "--actor"),
        ({"file": "gone.tsv"}, "there is no gone.tsv"),
        ({"benchmark": "other"}, "no benchmark 'other' yet"),
        ({"split": "sealed"}, "none of probe, gate"),
        ({"split": "gate"}, "none of 1 rows answers a gate item"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(campaign, options, words):
    with pytest.raises(CommandError, match=words):
        bring(campaign, **options)
    assert not Report.objects.exists()
