"""Tables are read quickly where quotes stand around whole cells only, and as ``csv`` reads them everywhere else."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnostics.formats import tsv
from diagnostics.formats.tsv import plain_cells, table_lines

CELLS = st.text(st.sampled_from('a"\t\n\ré ,'), max_size=5)


def read_by_csv(path: Path) -> list[tuple[int, list[str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(number, cells) for number, cells in enumerate(csv.reader(file, delimiter="\t"), start=1) if cells]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=5), end=st.sampled_from(["\n", "\r\n"]))
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_what_a_program_wrote_is_read_as_csv_reads_it(tmp_path, lines, end, quoting):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter="\t", quoting=quoting, lineterminator=end).writerows(lines)
    path = tmp_path / "t.tsv"
    path.write_bytes(buffer.getvalue().encode())
    assert list(table_lines(path, "\t")) == read_by_csv(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from('a"\t\n\ré'), max_size=30))
def test_what_nobody_wrote_on_purpose_is_read_as_csv_reads_it(tmp_path, text):
    path = tmp_path / "t.tsv"
    path.write_bytes(text.encode())
    assert list(table_lines(path, "\t")) == read_by_csv(path)


@pytest.mark.parametrize("line", ['1\t"an image"\t"B"\n', "1\tan image\tB\r\n", '""\t""\n'])
def test_an_ordinary_line_needs_no_csv(line):
    assert plain_cells(line, "\t") == [cell.strip('"') for cell in line.strip("\r\n").split("\t")]


@pytest.mark.parametrize("line", ['a "b"\tc\n', '"a\n', '"a""b"\tc\n', '"a\tb"\n', "last line", "\n"])
def test_any_other_line_is_left_to_csv(line):
    assert plain_cells(line, "\t") == []


def test_a_line_longer_than_a_cell_may_be_is_left_to_csv(monkeypatch):
    monkeypatch.setattr(tsv, "MAX_CELL_CHARS", 10)
    assert plain_cells("123456789\t\n", "\t") == []
