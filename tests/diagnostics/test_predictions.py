"""Predictions made elsewhere become a graded, diagnosed run; what does not join is told."""

import json

import pytest

from core.errors import InvalidInput, NotAllowed
from core.models import Job
from diagnostics.handlers import benchmark_import_job, predictions_import_job
from diagnostics.models import Answer, AnswerRun, Checkpoint, Item, Report, Verdict
from diagnostics.services.predictions import predictions_submit
from tests.diagnostics.makers import tsv_row, write_tsv
from tests.factories import make_campaign, make_context, make_job, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(import_root):
    """A campaign with four probe items, whose gold answer is B, and a gate item."""
    campaign = make_campaign()
    rows = [*(tsv_row(n) for n in range(4)), tsv_row(4, split="gate")]
    path = write_tsv(import_root / "bench.tsv", rows)
    benchmark_import_job(make_context(make_job(campaign=campaign, spec={"name": "bench", "path": str(path)})))
    return campaign


def bring(campaign, path, **spec):
    words = {"benchmark": "bench", "checkpoint_name": "Elsewhere-7B", "path": str(path), **spec}
    result = predictions_import_job(make_context(make_job(campaign=campaign, spec=words)))
    return AnswerRun.objects.get(pk=result["run_id"]), result


def predicted(path, *rows):
    return write_tsv(path, [{"index": str(n), "question": "?", "answer": "B", "prediction": text} for n, text in rows])


BOXED = {0: "\\boxed{B}", 1: "\\boxed{A}", 2: "The answer is B.", 3: ""}


def test_a_table_of_predictions_is_graded_and_diagnosed_like_a_run_of_our_own(campaign, import_root):
    run, result = bring(campaign, predicted(import_root / "m_bench.tsv", *BOXED.items()))
    assert (run.is_complete, run.num_items, run.run_name, run.spec["engine"]) == (True, 4, "", "imported")
    outcomes = dict(Verdict.objects.filter(answer__run=run).values_list("answer__item__index", "strict"))
    assert outcomes == {"0": "correct", "1": "incorrect", "2": "incorrect", "3": "incorrect"}
    report = Report.objects.get(pk=result["report_id"])
    assert (report.run, report.skills.get().n, report.skills.get().k, report.skills.get().k_lenient) == (run, 4, 1, 2)
    assert run.checkpoint.path == "" and run.result["join"]["num_problems"] == 0


def test_json_predictions_are_read(campaign, import_root):
    rows = [{"index": n, "prediction": text, "answer": "B"} for n, text in BOXED.items()]
    (import_root / "m_bench.json").write_text(json.dumps(rows, indent=4))
    assert bring(campaign, import_root / "m_bench.json")[0].num_items == 4


def test_a_spreadsheet_is_read_and_its_cut_cells_are_not_judged(campaign, import_root):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["index", "question", "answer", "prediction"])
    for n in range(3):
        book.active.append([n, "?", "B", "x" * 32_767 if n == 2 else "\\boxed{B}"])
    book.save(import_root / "m_bench.xlsx")
    run, result = bring(campaign, import_root / "m_bench.xlsx")
    assert (run.num_items, result["join"]["kinds"], result["join"]["problems"][0]["row"]) == (2, {"cut_by_xlsx": 1}, 4)


def test_what_does_not_join_is_told_with_its_row(campaign, import_root):
    rows = [(0, "B"), (0, "A"), (9, "B"), (4, "B"), (1, "Failed to obtain answer via API.")]
    path = predicted(import_root / "m_bench.tsv", *rows)
    path.write_text(path.read_text() + "2\t?\tA\tB\n3\tshort\n")
    join = bring(campaign, path)[1]["join"]
    assert join["kinds"] == {
        "twice": 1,
        "no_such_index": 1,
        "not_answered": 1,
        "other_gold": 1,
        "bad_row": 1,
    }
    assert [line["row"] for line in join["problems"]] == [3, 4, 6, 7, 8]
    assert (join["rows"], join["joined"], join["other_split"], join["items_without"]) == (7, 1, 1, 3)


def sample(doc_id, *texts, **fields):
    return {"doc_id": doc_id, "target": "B", "filtered_resps": ["B"], "resps": [list(texts)], **fields}


def write_log(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_several_answers_of_a_sample_log_stay_several(campaign, import_root):
    log = write_log(import_root / "a_samples_b.jsonl", sample(0, "\\boxed{B}", "\\boxed{A}"), sample(1, "A", "B", "B"))
    run, result = bring(campaign, log)
    assert (run.num_answers, result["join"]["extra_answers"]) == (2, 1)
    texts = Answer.objects.filter(run=run, item__index="0").order_by("sample_ix").values_list("text", flat=True)
    assert list(texts) == ["\\boxed{B}", "\\boxed{A}"]


def test_a_log_without_raw_responses_gives_its_filtered_ones_and_likelihoods_are_no_text(campaign, import_root):
    short = {"doc_id": 0, "target": "B", "filtered_resps": ["B"]}
    log = write_log(import_root / "s.jsonl", short, {**short, "doc_id": 1, "filtered_resps": [[-1.5, False]]})
    run, result = bring(campaign, log)
    assert (Answer.objects.get(run=run).text, result["join"]["kinds"]) == ("B", {"no_text": 1})


def test_documents_are_joined_by_their_hash_before_their_index(campaign, import_root):
    Item.objects.filter(index="3").update(doc_hash="aa" * 32)
    log = write_log(
        import_root / "s.jsonl",
        sample(77, "B", doc_hash="aa" * 32),
        sample(3, "B", doc_hash="bb" * 32),
        sample(0, "B", doc_hash="cc" * 32),
    )
    run, result = bring(campaign, log)
    assert sorted(run.items.values_list("index", flat=True)) == ["0", "3"]
    assert result["join"]["kinds"] == {"other_document": 1}


def test_the_same_file_again_is_the_same_run(campaign, import_root):
    path = predicted(import_root / "m_bench.tsv", *BOXED.items())
    first = bring(campaign, path)
    assert bring(campaign, path) == first
    assert (AnswerRun.objects.count(), Answer.objects.count(), Checkpoint.objects.count()) == (1, 4, 1)


def test_a_killed_import_goes_on_and_stores_no_answer_twice(campaign, import_root, monkeypatch):
    from diagnostics.services import predictions

    path = predicted(import_root / "m_bench.tsv", *BOXED.items())
    monkeypatch.setattr(predictions, "verdicts_store", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bring(campaign, path)
    assert not AnswerRun.objects.get().is_complete
    monkeypatch.undo()
    run, _ = bring(campaign, path)
    assert (run.is_complete, AnswerRun.objects.count(), Answer.objects.count(), Verdict.objects.count()) == (
        True,
        1,
        4,
        4,
    )


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("p.txt", "x", "predictions are read from"),
        ("p.tsv", "index\tanswer\n1\tB\n", "no column prediction"),
        ("p.tsv", "", "no column index"),
        ("p.tsv", "index\tprediction\n99\tB\n", "none of 1 rows answers"),
        ("p.xlsx", "no zip", "not a whole spreadsheet"),
        ("p.json", "{", "not JSON"),
    ],
)
def test_a_file_that_holds_no_prediction_of_ours_changes_nothing(campaign, import_root, name, text, words):
    if name.endswith("xlsx"):
        pytest.importorskip("openpyxl")
    (import_root / name).write_text(text)
    with pytest.raises(InvalidInput, match=words) as caught:
        bring(campaign, import_root / name)
    assert caught.value.field == "path"
    assert not AnswerRun.objects.exists()


@pytest.mark.parametrize(
    ("words", "field"),
    [({"benchmark": "none"}, "benchmark"), ({"path": "../x.tsv"}, "path"), ({"split": "sealed"}, "split")],
)
def test_what_can_be_refused_at_once_is(campaign, import_root, words, field):
    predicted(import_root / "p.tsv", (0, "B"))
    good = {"benchmark": "bench", "checkpoint_name": "m", "path": "p.tsv", **words}
    with pytest.raises(InvalidInput) as caught:
        predictions_submit(actor=campaign.created_by, campaign=campaign, **good)
    assert caught.value.field == field
    assert not Job.objects.filter(kind="predictions_import").exists()


def test_importing_predictions_takes_the_right_to_research(campaign, import_root):
    predicted(import_root / "p.tsv", (0, "B"))
    good = {"benchmark": "bench", "checkpoint_name": "m", "path": "p.tsv"}
    with pytest.raises(NotAllowed):
        predictions_submit(actor=make_member(campaign, "curator"), campaign=campaign, **good)
    assert predictions_submit(actor=campaign.created_by, campaign=campaign, **good).kind == "predictions_import"
