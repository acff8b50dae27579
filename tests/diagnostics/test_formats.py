"""Every format of benchmark files becomes the same items; what is no good is named with its row."""

import base64
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from core.errors import InvalidInput
from core.media import media_path, thumbnail_path
from core.models import Media
from diagnostics.handlers import benchmark_check_job, benchmark_import_job
from diagnostics.models import Benchmark, Item
from tests.diagnostics.makers import b64, png, tsv_row, write_tsv
from tests.factories import make_campaign, make_context, make_job

pytestmark = pytest.mark.django_db
PICTURES = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.fixture
def campaign():
    return make_campaign()


def run_job(campaign, path, handler, **spec):
    job = make_job(campaign=campaign, spec={"name": "bench", "path": str(path), **spec})
    return handler(make_context(job))


def items_of(campaign, path, **spec) -> list[Item]:
    run_job(campaign, path, benchmark_import_job, **spec)
    return list(Item.objects.order_by("pk"))


def report_of(campaign, path, **spec):
    report = run_job(campaign, path, benchmark_check_job, **spec)["report"]
    assert (Benchmark.objects.count(), Item.objects.count(), Media.objects.count()) == (0, 0, 0)
    return report


def write_lines(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def question(**fields):
    return {"question": "Which?", "options": ["one", "two"], "answer": "B", "category": "shape", **fields}


def table_file(folder, format):
    """Two questions of a Hugging Face dataset: one picture as a struct, two as a list."""
    images = [[{"bytes": png(1), "path": "1.png"}], [{"bytes": png(2), "path": None}, {"bytes": png(3), "path": None}]]
    columns = {name: [value] * 2 for name, value in question(answer=1).items()}
    table = pa.table({**columns, "images": pa.array(images, pa.list_(PICTURES))})
    path = folder / f"b.{format}"
    if format == "parquet":
        pq.write_table(table, path, row_group_size=1)
        return path
    new = pa.ipc.new_stream if format == "arrow" else pa.ipc.new_file
    with new(path, table.schema) as writer:
        writer.write_table(table)
    return path


@pytest.mark.parametrize(("format", "said"), [("parquet", ""), ("arrow", ""), ("feather", ""), ("feather", "arrow")])
def test_hugging_face_files_bring_questions_with_one_or_several_pictures(campaign, import_root, format, said):
    first, second = items_of(campaign, table_file(import_root, format), **({"format": said} if said else {}))
    assert (first.index, first.question, first.options) == ("0", "Which?", {"A": "one", "B": "two"})
    assert (first.answer, first.answer_type, first.skill) == ("B", "choice", "shape"), "place 1, counted from 0"
    assert [media_path(sha).read_bytes() for sha in second.images] == [png(2), png(3)]
    assert all(thumbnail_path(sha).exists() for sha in (*first.images, *second.images))


def test_jsonl_finds_its_pictures_beside_it_or_in_the_row(campaign, import_root):
    (import_root / "images").mkdir()
    (import_root / "images" / "a.png").write_bytes(png(1))
    (import_root / "4.png").write_bytes(png(4))
    items = items_of(
        campaign,
        write_lines(
            import_root / "b.jsonl",
            question(id=1, image="a.png"),
            question(id=2, image=b64(2)),
            question(id=3, image={"url": "data:image/png;base64," + b64(3)}),
            question(id=4),
        ),
    )
    assert [media_path(item.images[0]).read_bytes() for item in items] == [png(1), png(2), png(3), png(4)]


def test_a_json_file_that_is_one_list_is_read_too(campaign, import_root):
    (import_root / "b.json").write_text(json.dumps([question(image=b64(1))], indent=2))
    assert [item.index for item in items_of(campaign, import_root / "b.json")] == ["0"]


def test_csv_reads_lists_from_their_text(campaign, import_root):
    (import_root / "1.png").write_bytes(png(1))
    row = '7,1.png,"Say ""which""","[""x"", ""y""]",y'
    (import_root / "b.csv").write_text(f"id,file_name,problem,choices,answer\n{row}\n")
    (item,) = items_of(campaign, import_root / "b.csv")
    assert (item.index, item.question, item.options, item.answer) == ("7", 'Say "which"', {"A": "x", "B": "y"}, "B")


def test_names_of_ones_own_may_be_given_and_lead_into_objects(campaign, import_root):
    path = write_lines(import_root / "b.jsonl", {"q": "How many?", "gold": 3, "img": b64(1), "meta": {"kind": "count"}})
    columns = {"question": "q", "answer": "gold", "image": "img", "category": "meta.kind"}
    (item,) = items_of(campaign, path, columns=columns)
    assert (item.question, item.answer, item.answer_type, item.skill) == ("How many?", "3", "number", "count")
    assert "stands for hint" in report_of_problem(make_campaign(), path, columns={**columns, "hint": "no.such"})


def report_of_problem(campaign, path, **spec) -> str:
    report = run_job(campaign, path, benchmark_check_job, **spec)["report"]
    return report["problems"][0]["message"]


def test_an_lmms_eval_log_keeps_the_hash_of_its_documents(campaign, import_root):
    (import_root / "images").mkdir()
    for number in (0, 1):
        (import_root / "images" / f"{number}.png").write_bytes(png(number))
    log = {"target": "B", "resps": [["B"]], "input": "Which?\nA. one\nB. two", "doc_hash": "ab" * 32}
    items = items_of(campaign, write_lines(import_root / "b.jsonl", {**log, "doc_id": 0}, {**log, "doc_id": 1}))
    assert [(item.index, item.doc_hash, item.answer_type) for item in items] == [
        ("0", "ab" * 32, "choice"),
        ("1", "ab" * 32, "choice"),
    ]


@pytest.mark.parametrize("shape", ["object", "messages"])
def test_langfuse_items_are_read_unless_archived(campaign, import_root, shape):
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + b64(1)}}
    chat = [
        {"role": "system", "content": "Be exact."},
        {"role": "user", "content": [{"type": "text", "text": "Which?"}, url]},
    ]
    asked = {"question": "Which?", "image": b64(1)} if shape == "object" else chat
    item = {"id": "x", "input": asked, "expectedOutput": {"answer": "two"}, "metadata": {"category": "shape"}}
    path = write_lines(import_root / "b.jsonl", item, {**item, "id": "y", "status": "ARCHIVED"})
    (found,) = items_of(campaign, path)
    assert (found.index, found.question, found.answer, found.skill) == ("x", "Which?", "two", "shape")


def test_a_dry_run_tells_all_and_keeps_nothing(campaign, import_root, settings):
    rows = [tsv_row(1), tsv_row(2, image=b64(1), question="What is 1?"), tsv_row(3, answer="Z"), tsv_row(1), tsv_row(5)]
    rows += [tsv_row(6, image="['a', "), tsv_row(7, image="", image_path="gone.png"), tsv_row(8, image="99")]
    report = report_of(campaign, write_tsv(import_root / "b.tsv", rows))
    assert (report["rows"], report["format"], report["num_problems"]) == (8, "tsv", 5)
    assert (report["duplicates"], report["duplicate_rows"]) == (1, [3])
    kinds = {"bad_answer": 1, "duplicate_index": 1, "bad_list": 1, "missing_picture": 1, "bad_pointer": 1}
    assert report["kinds"] == kinds
    assert [line["row"] for line in report["problems"]] == [4, 5, 7, 8, 9]
    assert not any(media_path("00").parent.parent.rglob("*.jpg"))


def test_a_report_lists_two_hundred_problems_and_counts_all(campaign, import_root):
    report = report_of(campaign, write_tsv(import_root / "b.tsv", [tsv_row(n, answer="Z") for n in range(250)]))
    assert (report["num_problems"], len(report["problems"]), report["problems"][0]["row"]) == (250, 200, 2)


def encoded(format, size=(8, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, format)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>' * 3, "wrong_type", "an SVG drawing"),
        (b"<?xml version='1.0'?><svg/>" * 4, "wrong_type", "XML or SVG"),
        (b"%PDF-1.7" + b"0" * 99, "wrong_type", "a PDF file"),
        (encoded("TIFF"), "wrong_type", "a TIFF picture"),
        (b"<!DOCTYPE html><html>" * 5, "wrong_type", "a web page"),
        (encoded("JPEG", (640, 640))[:-200], "broken_picture", "cut-off or damaged JPEG"),
        (encoded("PNG", (64, 64))[:-20], "broken_picture", "cut-off or damaged PNG"),
        (encoded("PNG", (9000, 8000)), "over_large_picture", "64 megapixels"),
        (b"no picture at all " * 9, "broken_picture", "not a whole PNG"),
    ],
)
def test_a_file_that_is_no_picture_for_us_is_refused_by_name(campaign, import_root, data, kind, words):
    row = tsv_row(1, image=base64.b64encode(data).decode())
    report = report_of(campaign, write_tsv(import_root / "b.tsv", [row]))
    assert report["kinds"] == {kind: 1} and words in report["problems"][0]["message"]


@pytest.mark.parametrize(
    "image",
    ["http://example.org/a.png", "file:///etc/passwd", "/etc/passwd", "../secret.png", "link.png"],
)
def test_no_url_and_no_path_out_of_the_benchmarks_folder_is_followed(campaign, import_root, image):
    (import_root / "secret.png").write_bytes(png(1))
    folder = import_root / "inner"
    folder.mkdir()
    (folder / "link.png").symlink_to(import_root / "secret.png")
    report = report_of(campaign, write_lines(folder / "b.jsonl", question(image=image)))
    assert report["kinds"] == {"missing_picture": 1}


def test_a_number_that_may_be_a_place_or_an_option_is_not_guessed(campaign, import_root):
    path = write_lines(import_root / "b.jsonl", question(image=b64(1), options=["2", "1", "0"], answer=2))
    assert report_of(campaign, path)["kinds"] == {"bad_answer": 1}


@pytest.mark.parametrize(
    ("name", "text", "spec", "field"),
    [
        ("b.xyz", "x", {}, "path"),
        ("b.tsv", "x", {"format": "yaml"}, "format"),
        ("b.jsonl", "{}", {"columns": {"colour": "x"}}, "columns"),
        ("b.jsonl", "{}", {"columns": {"question": " "}}, "columns"),
        ("b.parquet", "not parquet", {}, "path"),
        ("b.arrow", "not arrow", {}, "path"),
        ("b.json", "[1, 2", {}, "path"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_an_error_with_its_field(campaign, import_root, name, text, spec, field):
    (import_root / name).write_text(text)
    with pytest.raises(InvalidInput) as caught:
        run_job(campaign, import_root / name, benchmark_check_job, **spec)
    assert caught.value.field == field


def test_lines_that_are_no_objects_are_problems_of_their_own(campaign, import_root):
    path = import_root / "b.jsonl"
    path.write_text('{"question": 1\n[1]\n"\\ud800"\n' + json.dumps(question(image=b64(1), hint="\ud800")) + "\n")
    messages = [line["message"] for line in report_of(campaign, path, format="jsonl")["problems"]]
    assert ["not JSON" in messages[0], *messages[1:3]] == [True, "not a JSON object.", "not a JSON object."]
    assert "surrogate" in messages[3]


def test_a_killed_import_decodes_nothing_twice(campaign, import_root, monkeypatch):
    from core import media_staging

    path = write_tsv(import_root / "b.tsv", [tsv_row(n) for n in range(4)] + [tsv_row(9, answer="Z")])
    job = make_job(campaign=campaign, spec={"name": "bench", "path": str(path)})
    context = make_context(job)
    monkeypatch.setattr(media_staging.Staging, "remove", lambda self: None)
    with pytest.raises(InvalidInput):
        benchmark_import_job(context)
    decoded = []
    monkeypatch.setattr(media_staging, "picture_decode", lambda *args, **kwargs: decoded.append(1))
    with pytest.raises(InvalidInput):
        benchmark_import_job(context)
    assert decoded == []


def test_a_refused_import_leaves_no_picture_behind(campaign, import_root, settings):
    path = write_tsv(import_root / "b.tsv", [tsv_row(1), tsv_row(2, answer="Z")])
    with pytest.raises(InvalidInput):
        run_job(campaign, path, benchmark_import_job)
    assert [one for one in media_path("00").parent.parent.rglob("*") if one.is_file()] == []
