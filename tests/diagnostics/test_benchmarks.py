"""Benchmark files come in whole or not at all, once, and on after a kill."""

import pytest

from core.errors import InvalidInput, LeaseLost, NotAllowed, WrongState
from core.jobs.context import JobContext
from core.media import media_path
from core.models import AuditEvent, CampaignMedia, Job, Media
from diagnostics import survey
from diagnostics.domain.splits import split_of
from diagnostics.handlers import benchmark_import_job
from diagnostics.models import Benchmark, Item
from diagnostics.services import item_writer
from diagnostics.services.benchmarks import benchmark_submit
from tests.diagnostics.makers import png, tsv_row, write_tsv
from tests.factories import make_campaign, make_context, make_job, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    return make_campaign()


def run_import(campaign, path, name="bench"):
    job = make_job(campaign=campaign, kind="benchmark_import", spec={"name": name, "path": str(path)})
    return benchmark_import_job(make_context(job))


def problems_of(campaign, path) -> str:
    with pytest.raises(InvalidInput) as caught:
        run_import(campaign, path)
    assert (Benchmark.objects.count(), Item.objects.count(), Media.objects.count()) == (0, 0, 0)
    return str(caught.value)


def test_every_row_becomes_an_item_with_its_picture(campaign, import_root):
    result = run_import(campaign, write_tsv(import_root / "b.tsv", [tsv_row(n) for n in range(3)]))
    item = Item.objects.get(benchmark_id=result["benchmark_id"], index="2")
    assert result["items"] == 3 == item.benchmark.num_items
    assert (item.question, item.options, item.answer, item.split) == (
        "What is 2?",
        {"A": "one", "B": "two"},
        "B",
        "probe",
    )
    assert media_path(item.images[0]).read_bytes() == png(2)
    assert CampaignMedia.objects.filter(campaign=campaign).count() == 3
    assert AuditEvent.objects.filter(action="benchmark.imported", object_id=str(item.benchmark_id)).count() == 1


def test_the_same_file_again_changes_nothing(campaign, import_root):
    path = write_tsv(import_root / "b.tsv", [tsv_row(n) for n in range(3)])
    first, keys = run_import(campaign, path), set(Item.objects.values_list("pk", flat=True))
    assert run_import(campaign, path) == first
    assert set(Item.objects.values_list("pk", flat=True)) == keys
    assert AuditEvent.objects.filter(action="benchmark.imported").count() == 1


def test_another_file_under_the_same_name_is_refused(campaign, import_root):
    run_import(campaign, write_tsv(import_root / "b.tsv", [tsv_row(1)]))
    for other in (tsv_row(2), tsv_row(2, answer="a bad row, but that is not looked at")):
        with pytest.raises(WrongState, match="another file"):
            run_import(campaign, write_tsv(import_root / "b.tsv", [other]))
    assert Item.objects.get().index == "1"


def test_the_same_name_in_another_campaign_is_another_benchmark(campaign, import_root):
    path = write_tsv(import_root / "b.tsv", [tsv_row(1)])
    run_import(campaign, path)
    run_import(make_campaign(), path)
    assert (Benchmark.objects.count(), Item.objects.count(), Media.objects.count()) == (2, 2, 1)


def test_a_broken_file_changes_nothing_and_names_every_bad_row(campaign, import_root):
    rows = [tsv_row(1), tsv_row(2, answer="Z"), tsv_row(3, image="AAAA" * 40), tsv_row(1), tsv_row(5)]
    said = problems_of(campaign, write_tsv(import_root / "b.tsv", rows))
    assert "3 problem(s), nothing was imported" in said
    assert "row 3: answer: 'Z'" in said
    assert "row 4: image: not a whole PNG" in said
    assert "row 5: index: 1 comes twice, first in row 2" in said
    assert "row 6" not in said


def test_of_many_problems_the_first_are_shown_and_the_others_counted(campaign, import_root):
    said = problems_of(campaign, write_tsv(import_root / "b.tsv", [tsv_row(n, answer="Z") for n in range(25)]))
    assert "25 problem(s)" in said and "row 21:" in said and "row 22:" not in said and "And 5 more." in said


def test_a_row_with_too_few_cells_is_a_problem(campaign, import_root):
    path = write_tsv(import_root / "b.tsv", [tsv_row(1)])
    path.write_text(path.read_text() + "2\tshort\n")
    assert "row 3: not as many cells as the header has" in problems_of(campaign, path)


def test_an_empty_file_is_a_problem(campaign, import_root):
    path = write_tsv(import_root / "b.tsv", [], columns=("index", "image", "question", "answer"))
    assert "no rows" in problems_of(campaign, path)


def test_a_row_may_share_the_picture_of_another_row_before_or_behind_it(campaign, import_root):
    rows = [tsv_row(1, image="2"), tsv_row(2), tsv_row(3, image="2")]
    run_import(campaign, write_tsv(import_root / "b.tsv", rows))
    items = Item.objects.order_by("index")
    assert len({item.cluster for item in items}) == 1
    assert len({item.content_hash for item in items}) == 3
    assert Media.objects.count() == 1


@pytest.mark.parametrize("target", ["9", "3"])
def test_a_pointer_to_nothing_or_to_a_pointer_is_a_problem(campaign, import_root, target):
    rows = [tsv_row(1), tsv_row(2, image=target), tsv_row(3, image="1")]
    said = problems_of(campaign, write_tsv(import_root / "b.tsv", rows))
    assert said.count("row ") == 1 + said.count("no row of that index") == 2
    assert f"row 3: image: points to '{target}'" in said


def test_a_pointer_to_a_bad_row_blames_the_bad_row_only(campaign, import_root):
    rows = [tsv_row(1, image="AAAA" * 40), tsv_row(2, image="1")]
    assert "1 problem(s)" in problems_of(campaign, write_tsv(import_root / "b.tsv", rows))


def test_without_a_split_of_ours_the_picture_decides(campaign, import_root):
    run_import(campaign, write_tsv(import_root / "b.tsv", [tsv_row(n, split="test") for n in range(20)]))
    items = list(Item.objects.all())
    assert all(item.split == split_of(item.images[0]) for item in items)
    assert len({item.split for item in items}) == 3


def test_one_picture_in_two_splits_is_a_problem(campaign, import_root):
    rows = [tsv_row(1), tsv_row(2, image="1", split="gate")]
    assert "row 3: split: gate, but row 2 has it in probe" in problems_of(
        campaign, write_tsv(import_root / "b.tsv", rows)
    )


def test_a_killed_import_goes_on_and_writes_nothing_twice(campaign, import_root, monkeypatch):
    monkeypatch.setattr(item_writer, "chunk_size", lambda: 2)
    path = write_tsv(import_root / "b.tsv", [tsv_row(n) for n in range(7)])
    writes = []

    def lose_the_third(self):
        writes.append(1)
        if len(writes) == 4:  # the benchmark's own row came first
            raise LeaseLost("another worker has it")
        return real(self)

    real = JobContext.writing
    monkeypatch.setattr(JobContext, "writing", lose_the_third)
    with pytest.raises(LeaseLost):
        run_import(campaign, path)
    kept = set(Item.objects.values_list("pk", flat=True))
    assert len(kept) == 4 and Benchmark.objects.get().num_items == 0
    writes[:] = [1] * 10
    run_import(campaign, path)
    assert len(writes) == 10 + 4, "the benchmark, two chunks of what was missing, the end"
    assert sorted(Item.objects.values_list("index", flat=True)) == [str(n) for n in range(7)]
    assert kept < set(Item.objects.values_list("pk", flat=True))
    assert Benchmark.objects.get().num_items == 7


def test_two_imports_of_one_file_at_once_make_one_benchmark(campaign, import_root, monkeypatch):
    monkeypatch.setattr(item_writer, "chunk_size", lambda: 2)
    path = write_tsv(import_root / "b.tsv", [tsv_row(n) for n in range(5)])
    real, rival = item_writer.item_of, []

    def let_the_rival_pass(*args):
        if not rival:
            rival.append(True)
            rival.append(run_import(campaign, path))
        return real(*args)

    monkeypatch.setattr(item_writer, "item_of", let_the_rival_pass)
    assert run_import(campaign, path) == rival[1]
    assert sorted(Item.objects.values_list("index", flat=True)) == [str(n) for n in range(5)]
    assert AuditEvent.objects.filter(action="benchmark.imported").count() == 1


def test_a_file_that_changes_while_it_is_read_is_refused(campaign, import_root, monkeypatch):
    path = write_tsv(import_root / "b.tsv", [tsv_row(1)])
    real = survey.item_text

    def then_change(*args):
        write_tsv(path, [tsv_row(1, question="Another one?")])
        return real(*args)

    monkeypatch.setattr(survey, "item_text", then_change)
    with pytest.raises(InvalidInput, match="changed while"):
        run_import(campaign, path)
    assert Item.objects.count() == 0


@pytest.mark.parametrize("path", ["../outside.tsv", "/etc/passwd", "gone.tsv", "", "x" * 300, "a\0b"])
def test_only_files_below_the_import_folders_are_read(campaign, import_root, path):
    (import_root.parent / "outside.tsv").write_text("x")
    with pytest.raises(InvalidInput) as caught:
        benchmark_submit(actor=campaign.created_by, campaign=campaign, name="b", path=path)
    assert caught.value.field == "path"
    assert not Job.objects.exists()


def test_a_link_out_of_the_import_folders_is_not_followed(campaign, import_root):
    outside = write_tsv(import_root.parent / "outside.tsv", [tsv_row(1)])
    (import_root / "link.tsv").symlink_to(outside)
    with pytest.raises(InvalidInput, match="outside the import folders"):
        run_import(campaign, import_root / "link.tsv")


def test_importing_takes_the_right_to_research(campaign, import_root):
    path = write_tsv(import_root / "b.tsv", [tsv_row(1)])
    with pytest.raises(NotAllowed):
        benchmark_submit(actor=make_member(campaign, "curator"), campaign=campaign, name="b", path=str(path))
    job = benchmark_submit(actor=make_member(campaign, "researcher"), campaign=campaign, name="b", path="b.tsv")
    assert (job.kind, job.queue, job.spec) == ("benchmark_import", "work", {"name": "b", "path": str(path)})
    assert benchmark_submit(actor=campaign.created_by, campaign=campaign, name="b", path="b.tsv") == job
