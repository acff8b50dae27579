"""Files come in from the inputs' page: looked at first if wanted, each fault beside its field, each report shown."""

import re

import pytest
from django.urls import reverse

from core.jobs.engine import execute_next
from core.models import Job
from diagnostics.models import Benchmark, Report
from dpe_site.stage_table import HANDLERS
from tests.diagnostics.makers import tsv_row, write_tsv
from tests.factories import make_job
from tests.pages.asking import page, part, send
from tests.pages.rows import make_full_campaign

HTMX = {"HX-Request": "true", "HX-Target": "check-report"}
PREDICTIONS = {"path": "m_bench.tsv", "benchmark": "bench", "checkpoint_name": "Elsewhere-7B", "split": "probe"}


@pytest.fixture
def files(import_root):
    """A good benchmark, one with a bad row, and predictions for the first, of which one joins nothing."""
    write_tsv(import_root / "bench.tsv", [tsv_row(n) for n in range(3)])
    write_tsv(import_root / "bad.tsv", [tsv_row(0), tsv_row(1, answer="<b>")])
    rows = [{"index": str(n), "prediction": "\\boxed{B}"} for n in (0, 1, 9)]
    write_tsv(import_root / "m_bench.tsv", rows)
    return import_root


def work() -> None:
    while execute_next("work", HANDLERS):
        pass


def field(html: str, name: str) -> str:
    """A form's field with what stands beside it."""
    return next(one for one in html.split('<div class="field">') if re.search(rf'name="{name}"', one))


def check(client, campaign, **form: str):
    return client.post(reverse("benchmark-check", args=[campaign.slug]), form, headers=HTMX)


def test_the_page_offers_files_of_every_format_to_the_form_that_reads_them(admin, campaign, files, bench):
    (files / "set.parquet").touch()
    (files / "m.xlsx").touch()
    html = page(admin, "campaign-inputs", campaign.slug)
    benchmarks, predictions = (
        html.split(f'<datalist id="{kind}-paths">')[1].split("</datalist>")[0] for kind in ("benchmark", "predictions")
    )
    assert "set.parquet" in benchmarks and "m.xlsx" not in benchmarks
    assert "m.xlsx" in predictions and "set.parquet" not in predictions


def test_a_check_shows_its_job_then_the_report_and_stores_nothing(admin, campaign, files):
    before = Benchmark.objects.count()
    html = check(admin, campaign, path="bad.tsv", format="tsv", columns="").content.decode()
    job = Job.objects.get(kind="benchmark_check")
    address = reverse("import-detail", args=[campaign.slug, job.pk])
    assert f'hx-get="{address}"' in html and "A worker takes it in a moment." in html and "<html" not in html
    work()
    html = part(admin, "import-state", "import-detail", campaign.slug, job.pk)
    assert "hx-get" not in html
    assert "1 problem in bad.tsv" in html and "Row 3" in html and "bad answer" in html and "<b>&" not in html
    assert Benchmark.objects.count() == before
    assert f'href="{address}">bad.tsv' in page(admin, "campaign-inputs", campaign.slug)


def test_without_scripts_a_check_has_a_page_of_its_own(admin, campaign, files):
    answer = admin.post(reverse("benchmark-check", args=[campaign.slug]), {"path": "bench.tsv"})
    job = Job.objects.get(kind="benchmark_check")
    assert answer["Location"] == reverse("import-detail", args=[campaign.slug, job.pk])
    work()
    html = page(admin, "import-detail", campaign.slug, job.pk)
    assert "can be imported" in html and "rows <b>3</b>" in html and html.count("<h1") == 1


@pytest.mark.parametrize(
    ("form", "name", "words"),
    [
        ({"path": "gone.tsv"}, "path", "there is no gone.tsv"),
        ({"path": "../x"}, "path", "outside the import folders"),
        ({"path": ""}, "path", "required"),
        ({"path": "bench.tsv", "format": "yaml"}, "format", "not one of the available choices"),
        ({"path": "bench.tsv", "columns": "question prompt"}, "columns", "not of the form ours=theirs"),
        ({"path": "bench.tsv", "columns": "question=a\nquestion=b"}, "columns", "comes twice"),
        ({"path": "bench.tsv", "columns": "colour=c"}, "columns", "is none of index"),
        ({"path": "bench.tsv", "columns": "question="}, "columns", "has no name"),
    ],
)
def test_a_fault_in_how_a_file_is_read_stands_beside_its_field(admin, campaign, files, form, name, words):
    for door in ("campaign-inputs", "benchmark-check"):
        answer = admin.post(reverse(door, args=[campaign.slug]), {"kind": "benchmark", "name": "typed", **form})
        html = answer.content.decode()
        panel = html.split('name="kind" value="benchmark"')[1].split("</form>")[0]
        assert answer.status_code == 400 and words in field(panel, name) and 'value="typed"' in panel
    live = check(admin, campaign, **form)
    assert live.status_code == 200 and words in live.content.decode() and b"<html" not in live.content
    assert not Job.objects.filter(kind__startswith="benchmark").exists()


def test_an_import_is_read_as_its_form_says(admin, campaign, files):
    form = {"kind": "benchmark", "path": "bench.tsv", "format": "tsv", "columns": "question = prompt\n\nindex=id\n"}
    assert send(admin, "campaign-inputs", campaign.slug, **form) == 302
    spec = Job.objects.get(kind="benchmark_import").spec
    assert (spec["name"], spec["format"], spec["columns"]) == ("bench", "tsv", {"question": "prompt", "index": "id"})


@pytest.fixture
def bench(admin, campaign, files):
    """The benchmark that the predictions answer, imported."""
    send(admin, "campaign-inputs", campaign.slug, kind="benchmark", path="bench.tsv")
    work()
    return Benchmark.objects.get(campaign=campaign, name="bench")


def test_predictions_are_brought_in_and_their_join_and_diagnosis_shown(admin, campaign, bench):
    bench.items.update(split="probe")
    answer = admin.post(reverse("predictions-import", args=[campaign.slug]), PREDICTIONS)
    job = Job.objects.get(kind="predictions_import")
    assert answer["Location"] == reverse("import-detail", args=[campaign.slug, job.pk])
    assert "every 2s" in page(admin, "import-detail", campaign.slug, job.pk)
    work()
    html = page(admin, "import-detail", campaign.slug, job.pk)
    assert "2 of 3 rows answer an item" in html and "no such index" in html and "Row 4" in html
    report = Report.objects.get(run__checkpoint__name="Elsewhere-7B")
    assert f'href="{reverse("report-detail", args=[campaign.slug, report.pk])}"' in html
    inputs = page(admin, "campaign-inputs", campaign.slug)
    assert "Elsewhere-7B on bench" in inputs and "known by predictions" in inputs


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": "gone.tsv"}, "there is no gone.tsv"),
        ({"benchmark": "other"}, "not one of the available choices"),
        ({"checkpoint_name": ""}, "required"),
        ({"split": "sealed"}, "not one of the available choices"),
    ],
)
def test_a_fault_in_predictions_stands_beside_its_field(admin, campaign, bench, change, words):
    answer = admin.post(reverse("predictions-import", args=[campaign.slug]), {**PREDICTIONS, **change})
    panel = answer.content.decode().split('value="predictions"')[1].split("</form>")[0]
    assert answer.status_code == 400 and words in field(panel, next(iter(change)))
    assert not Job.objects.filter(kind="predictions_import").exists()


def test_predictions_that_join_nothing_say_so(admin, campaign, bench):
    bench.items.update(split="gate")
    admin.post(reverse("predictions-import", args=[campaign.slug]), PREDICTIONS)
    work()
    job = Job.objects.get(kind="predictions_import")
    html = page(admin, "import-detail", campaign.slug, job.pk)
    assert "none of 3 rows answers a probe item of bench" in html and "hx-get" not in html


def test_without_a_whole_benchmark_the_page_says_what_predictions_wait_for(admin, campaign, bench):
    assert 'name="checkpoint_name"' in page(admin, "campaign-inputs", campaign.slug)
    campaign.benchmarks.update(num_items=0)
    html = page(admin, "campaign-inputs", campaign.slug)
    assert "import the benchmark first" in html and 'name="checkpoint_name"' not in html


def test_reports_are_shown_to_members_alone_and_forms_to_who_may_research(admin, as_role, campaign, files):
    check(admin, campaign, path="bench.tsv")
    job = Job.objects.get(kind="benchmark_check")
    assert "Dry run" in page(as_role("viewer"), "import-detail", campaign.slug, job.pk)
    assert "<form" not in page(as_role("viewer"), "campaign-inputs", campaign.slug).split("<main")[1]
    for path in ("bench.tsv", ""):
        assert check(as_role("curator"), campaign, path=path).status_code == 403
        assert send(as_role("curator"), "predictions-import", campaign.slug, path=path) == 403
    page(as_role("stranger"), "import-detail", campaign.slug, job.pk, status=403)
    page(admin, "import-detail", make_full_campaign(actor=campaign.created_by).slug, job.pk, status=404)
    other = make_job(campaign=campaign, kind="pool_import", spec={"path": "x", "name": "x"})
    page(admin, "import-detail", campaign.slug, other.pk, status=404)


def test_a_bug_in_a_dry_run_is_told_by_its_last_line(admin, campaign):
    trace = "Traceback\n  secret line\nRuntimeError: broken"
    fields = {"status": "errored", "error_message": trace, "spec": {"path": "/in/bench.tsv"}}
    job = make_job(campaign=campaign, kind="benchmark_check", **fields)
    html = page(admin, "import-detail", campaign.slug, job.pk)
    assert "RuntimeError: broken" in html and "secret line" not in html


def test_the_page_costs_the_same_queries_however_many_reports_there_are(admin, campaign, django_assert_max_num_queries):
    def ask(number: int) -> tuple[int, int]:
        for _ in range(number):
            make_job(campaign=campaign, kind="benchmark_check", spec={"path": "/in/bench.tsv"}, status="succeeded")
        with django_assert_max_num_queries(15) as asked:
            html = page(admin, "campaign-inputs", campaign.slug)
        return len(asked), html.count(">bench.tsv</a>")

    few, num_few = ask(2)
    many, num_many = ask(20)
    assert (num_few, num_many) == (2, 8)
    assert few == many


def test_a_form_that_the_page_does_not_have_is_named(admin, campaign):
    assert send(admin, "campaign-inputs", campaign.slug, kind="predictions", path="m_bench.tsv") == 400
    assert not Job.objects.filter(kind__endswith="import").exists()
