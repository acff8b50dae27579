"""Downloads: piece by piece, under ASGI as under a test client."""

import pytest

from core.streams import PIECE, download, file_pieces


def test_a_file_comes_whole_and_no_piece_is_larger_than_its_bound(tmp_path):
    path = tmp_path / "big"
    path.write_bytes(bytes(range(256)) * 3000)
    pieces = list(file_pieces(path))
    assert b"".join(pieces) == path.read_bytes()
    assert len(pieces) == 3 and max(map(len, pieces)) == PIECE


async def test_a_download_makes_a_piece_only_when_it_is_asked_for():
    made = []

    def pieces():
        for number in (b"a", b"", b"b"):
            made.append(number)
            yield number

    answer = download(pieces(), name="né.csv", mime="text/csv", size=2)
    assert answer.is_async
    stream = aiter(answer)
    assert (await anext(stream), made) == (b"a", [b"a"])
    assert [piece async for piece in stream] == [b"", b"b"]
    assert answer["Content-Length"] == "2"
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''n%C3%A9.csv"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous")
def test_a_download_can_be_read_at_once():
    assert b"".join(download(iter([b"a", b"b"]), name="x", mime="text/plain")) == b"ab"
