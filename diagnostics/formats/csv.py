"""CSV files with a header and a folder of pictures."""

from collections.abc import Iterator

from diagnostics.formats.records import Origin, record_row
from diagnostics.formats.row import Row, RowFault
from diagnostics.formats.tsv import once, table_lines


def csv_rows(origin: Origin) -> Iterator[Row]:
    """Every row that is not blank, by the names in the header."""
    header: list[str] = []
    for position, (number, cells) in enumerate(table_lines(origin.path, ","), start=-1):
        if not header:
            header = once([cell.strip() for cell in cells])
        elif len(cells) != len(header):
            yield Row(number, fault=RowFault("not as many cells as the header has.", field="row"))
        else:
            yield record_row(number, dict(zip(header, cells, strict=True)), origin, position=position)
