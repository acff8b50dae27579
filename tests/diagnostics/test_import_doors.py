"""Imports from the API, the command line and a page's part: who may, what a bad word is told, what is shown."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.template.loader import render_to_string
from rest_framework.test import APIClient

from core.models import Job
from diagnostics.handlers import benchmark_check_job
from diagnostics.models import Benchmark
from tests.diagnostics.makers import tsv_row, write_tsv
from tests.factories import make_campaign, make_context, make_job, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    return make_campaign()


def post(campaign, person, rest, body):
    client = APIClient()
    client.force_authenticate(person)
    return client.post(f"/api/v1/campaigns/{campaign.slug}/{rest}", body, format="json")


def test_a_dry_run_is_a_job_whose_result_is_the_report(campaign, import_root):
    write_tsv(import_root / "b.tsv", [tsv_row(1), tsv_row(2, answer="Z")])
    answer = post(campaign, campaign.created_by, "benchmarks/check", {"path": "b.tsv"})
    assert (answer.status_code, answer.data["kind"]) == (202, "benchmark_check")
    report = benchmark_check_job(make_context(Job.objects.get(pk=answer.data["job"])))["report"]
    assert json.loads(json.dumps(report)) == report and report["kinds"] == {"bad_answer": 1}


def test_an_import_may_say_how_its_file_is_read(campaign, import_root):
    (import_root / "b.jsonl").write_text("{}\n")
    body = {"name": "b", "path": "b.jsonl", "format": "lmms", "columns": {"question": "q"}}
    answer = post(campaign, campaign.created_by, "benchmarks", body)
    job = Job.objects.get(pk=answer.data["job"])
    assert (job.spec["format"], job.spec["columns"]) == ("lmms", {"question": "q"})


@pytest.mark.parametrize(
    ("rest", "body", "field"),
    [
        ("benchmarks/check", {}, "path"),
        ("benchmarks/check", {"path": "gone.tsv"}, "path"),
        ("benchmarks/check", {"path": "b.tsv", "format": "yaml"}, "format"),
        ("benchmarks/check", {"path": "b.tsv", "columns": {"colour": "c"}}, "columns"),
        ("benchmarks/check", {"path": "b.tsv", "name": "x"}, "name"),
        ("predictions", {"benchmark": "none", "checkpoint_name": "m", "path": "b.tsv"}, "benchmark"),
        ("predictions", {"benchmark": "none", "path": "b.tsv"}, "checkpoint_name"),
    ],
)
def test_a_bad_body_is_a_problem_that_names_the_field(campaign, import_root, rest, body, field):
    write_tsv(import_root / "b.tsv", [tsv_row(1)])
    answer = post(campaign, campaign.created_by, rest, body)
    assert (answer.status_code, answer.data["field"]) == (400, field)
    assert not Job.objects.exists()


@pytest.mark.parametrize("rest", ["benchmarks/check", "predictions"])
def test_only_who_may_research_may_bring_files_in(campaign, import_root, rest):
    assert post(campaign, make_member(campaign, "curator"), rest, {"path": "b.tsv"}).status_code in (400, 403)
    write_tsv(import_root / "b.tsv", [tsv_row(1)])
    body = {"path": "b.tsv"} if rest != "predictions" else {"path": "b.tsv", "benchmark": "b", "checkpoint_name": "m"}
    assert post(campaign, make_member(campaign, "curator"), rest, body).status_code == 403


def test_the_command_line_looks_first_and_then_imports(campaign, import_root, capsys):
    path = write_tsv(import_root / "suite.tsv", [tsv_row(1), tsv_row(2)])
    call_command("import_benchmark", str(path), campaign=campaign.slug, dry_run=True)
    assert json.loads(capsys.readouterr().out)["report"]["rows"] == 2
    assert not Benchmark.objects.exists()
    call_command("import_benchmark", "suite.tsv", campaign=campaign.slug)
    assert Benchmark.objects.get().name == "suite" and Benchmark.objects.get().num_items == 2


@pytest.mark.parametrize(
    ("file", "options", "words"),
    [
        ("b.tsv", {"campaign": "none"}, "no campaign"),
        ("b.tsv", {"actor": "nobody"}, "--actor"),
        ("gone.tsv", {}, "there is no gone.tsv"),
        ("b.tsv", {"column": ["colour=c"]}, "none of index"),
        ("b.tsv", {}, "nothing was imported"),
        ("b.tsv", {"dry_run": True}, "has problems"),
    ],
)
def test_the_command_line_says_in_one_line_what_is_wrong(campaign, import_root, file, options, words):
    write_tsv(import_root / "b.tsv", [tsv_row(1, answer="Z")])
    with pytest.raises(CommandError, match=words):
        call_command("import_benchmark", file, **{"campaign": campaign.slug, "name": "b", **options})


def test_the_part_of_a_page_shows_the_report_and_escapes_what_the_file_says(campaign, import_root):
    rows = [tsv_row(1), tsv_row(2, answer="<script>")]
    path = write_tsv(import_root / "b.tsv", rows)
    report = benchmark_check_job(make_context(make_job(campaign=campaign, spec={"path": str(path)})))["report"]
    shown = render_to_string("diagnostics/_import_report.html", {"report": report})
    assert "1 problem in b.tsv" in shown and "&lt;script&gt;" in shown and "<script>" not in shown
    good = render_to_string(
        "diagnostics/_import_report.html", {"report": {**report, "num_problems": 0, "problems": []}}
    )
    assert "can be imported" in good
