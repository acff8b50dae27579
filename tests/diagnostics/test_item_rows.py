"""VLMEvalKit rows: cells, pictures, pointers and typed answers."""

import base64

import pytest

from core.errors import InvalidInput
from diagnostics.formats import tsv
from diagnostics.formats.records import Origin
from diagnostics.formats.row import Row, cell_list, index_key
from diagnostics.formats.sources import source_bytes
from diagnostics.formats.tsv import pointer_of
from diagnostics.formats.tsv import tsv_row as read_row
from diagnostics.item_text import item_text
from tests.diagnostics.makers import b64, png, tsv_row, write_tsv


def text_of(**cells: str):
    return item_text(Row(2, tsv_row(1, **cells)), "bench")


def tsv_rows(path):
    return tsv.tsv_rows(Origin(path))


def pictures_of(cells, path):
    row = read_row(2, cells, path)
    if row.fault:
        raise row.fault
    return [source_bytes(one) for one in row.pictures]


def test_a_good_row_is_a_typed_question():
    text = text_of(hint="Look well.")
    assert (text.index, text.question, text.hint, text.answer) == ("1", "What is 1?", "Look well.", "B")
    assert (text.options, text.answer_type) == ({"A": "one", "B": "two"}, "choice")
    assert (text.skill, text.image_type, text.split) == ("shape.name", "geometric", "probe")


@pytest.mark.parametrize(
    ("cells", "answer_type", "answer"),
    [
        ({"answer": "b"}, "choice", "B"),
        ({"answer": "two"}, "choice", "B"),
        ({"A": "", "B": "", "answer": "Yes"}, "yes_no", "Yes"),
        ({"A": "", "B": "", "answer": "1,200"}, "number", "1,200"),
        ({"A": "", "B": "", "answer": "red apple"}, "text", "red apple"),
        ({"A": "", "B": "", "answer": "B", "question": "Which? (A) one (B) two"}, "choice", "B"),
        ({"A": "", "B": "", "answer": "B", "question": "Which letter is shown?"}, "text", "B"),
        ({"A": "", "B": "", "answer": "7", "answer_type": "text"}, "text", "7"),
        ({"A": "", "B": "", "answer": "7", "answer_type": "integer"}, "number", "7"),
        ({"A": "", "B": "", "answer": "['CENTRE', 'centre']"}, "text", "CENTRE"),
        ({"A": "", "B": "", "answer": "[0, 5]"}, "text", "[0, 5]"),
    ],
)
def test_the_answers_type_is_what_the_file_says_else_what_the_answer_looks_like(cells, answer_type, answer):
    text = text_of(**cells)
    assert (text.answer_type, text.answer) == (answer_type, answer)


@pytest.mark.parametrize(
    ("cells", "field", "words"),
    [
        ({"answer": "E"}, "answer", "not the letter or the text of one option"),
        ({"answer": ""}, "answer", "empty"),
        ({"question": "  "}, "question", "empty"),
        ({"B": "ONE"}, "answer", "two options say the same"),
        ({"B": ""}, "answer", "two options"),
        ({"answer_type": "essay"}, "answer_type", "none of choice, yes_no, number, text"),
        ({"answer_type": "number"}, "answer", "not a number"),
        ({"answer": "['red', 'blue']"}, "answer", "2 different accepted answers"),
        ({"index": "i" * 121}, "index", "120"),
        ({"category": "c" * 81}, "category", "80"),
    ],
)
def test_a_bad_row_names_its_cell_and_its_fault(cells, field, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        text_of(**cells)
    assert caught.value.field == field


def test_without_a_category_the_benchmark_is_the_skill_and_a_foreign_image_type_is_mixed():
    text = text_of(category="", **{"l2-category": "attribute_reasoning"})
    assert (text.skill, text.image_type) == ("bench", "mixed")


def test_a_split_that_is_not_ours_is_left_open():
    assert text_of(split="test").split is None


def test_quotes_tabs_and_line_breaks_inside_cells_survive(tmp_path):
    odd = 'Say "hi"\tthen\nstop'
    rows = list(tsv_rows(write_tsv(tmp_path / "a.tsv", [tsv_row(1, question=odd), tsv_row(2)])))
    assert (rows[0].text("question"), rows[1].number) == (odd, 3)


def test_a_byte_order_mark_and_blank_lines_do_not_matter(tmp_path):
    path = write_tsv(tmp_path / "a.tsv", [tsv_row(1)])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\n\n")
    assert [row.text("index") for row in tsv_rows(path)] == ["1"]


def test_a_cell_may_be_longer_than_csv_allows_by_itself(tmp_path):
    path = write_tsv(tmp_path / "a.tsv", [tsv_row(1, question="x" * 500_000)])
    assert len(next(tsv_rows(path)).text("question")) == 500_000


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("index\timage\tquestion", "no column answer"),
        ("index\tquestion\tanswer", "neither a column image"),
        ("index\timage\tquestion\tanswer\tanswer", "comes twice"),
        ("index,image,question,answer", "no column index"),
        ("", "no column index"),
    ],
)
def test_a_bad_header_ends_the_reading(tmp_path, header, words):
    path = tmp_path / "a.tsv"
    path.write_text(header + "\n")
    with pytest.raises(InvalidInput, match=words):
        list(tsv_rows(path))


def test_a_file_that_is_not_utf8_is_refused_with_a_place(tmp_path):
    path = write_tsv(tmp_path / "a.tsv", [tsv_row(1)])
    path.write_bytes(path.read_bytes() + b"\xff\xfe\tx\n")
    with pytest.raises(InvalidInput, match="row 2 or later: the file is not UTF-8"):
        list(tsv_rows(path))


def test_several_pictures_are_the_text_of_a_list(tmp_path):
    cells = tsv_row(1, image=str([b64(1), b64(2)]))
    assert pictures_of(cells, tmp_path / "a.tsv") == [png(1), png(2)]


def test_the_text_of_a_list_is_read_and_never_run():
    for text in ("[__import__('os').getcwd()]", "[1, 2]", "['a', ", "[" * 10_000, "['']", str(["x"] * 33)):
        with pytest.raises(InvalidInput):
            cell_list(text, "image")


def test_a_short_image_cell_points_to_a_row_by_its_index():
    assert pointer_of({"image": "007"}) == "7" == index_key("7")
    assert pointer_of({"image": "scene-7"}) == "scene-7"
    assert pointer_of({"image": b64()}) is None
    assert pointer_of({"image": ""}) is None


@pytest.mark.parametrize(
    ("cells", "target"),
    [
        ({"index": "2000007"}, "7"),
        ({"index": "12", "g_index": "7"}, "7"),
        ({"index": "7", "g_index": "7"}, None),
        ({"index": "7"}, None),
        ({"index": "2000007", "image_path": "own.png"}, None),
    ],
)
def test_a_rotation_without_a_picture_takes_that_of_its_circular_groups_first_question(cells, target):
    assert pointer_of(cells) == target


@pytest.mark.parametrize("image", ["data:image/png;base64," + b64(), "not base64! " * 10, b64()[:-3]])
def test_pictures_that_are_not_raw_base64_are_refused(tmp_path, image):
    with pytest.raises(InvalidInput, match="image"):
        pictures_of(tsv_row(1, image=image), tmp_path / "a.tsv")


def test_line_breaks_inside_base64_do_not_matter(tmp_path):
    broken = base64.encodebytes(png(1)).decode()
    assert pictures_of(tsv_row(1, image=broken), tmp_path / "a.tsv") == [png(1)]


@pytest.mark.parametrize("place", ["1.png", "images/bench/1.png"])
def test_picture_files_lie_beside_the_file_or_where_vlmevalkit_keeps_them(import_root, place):
    (import_root / place).parent.mkdir(parents=True, exist_ok=True)
    (import_root / place).write_bytes(png(5))
    cells = tsv_row(1, image="", image_path="['1.png']")
    assert pictures_of(cells, import_root / "bench.tsv") == [png(5)]


def test_picture_files_outside_the_import_folders_are_not_read(import_root, tmp_path):
    (tmp_path / "secret.png").write_bytes(png(5))
    (import_root / "link.png").symlink_to(tmp_path / "secret.png")
    for name in ("../secret.png", str(tmp_path / "secret.png"), "link.png", "gone.png", "x" * 300, "['a\\0b']"):
        with pytest.raises(InvalidInput, match="image_path"):
            pictures_of(tsv_row(1, image="", image_path=name), import_root / "bench.tsv")
