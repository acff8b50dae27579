"""Large answers in pieces. Under ASGI Django reads a file or a plain iterator whole into memory, an async one not."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

PIECE = 1 << 18


def download(pieces: Iterator[bytes], *, name: str, mime: str, size: int | None = None) -> StreamingHttpResponse:
    """The pieces as a file to be saved under ``name``; no more than one of them is held in memory."""
    headers = {"Content-Disposition": content_disposition_header(True, name), "X-Content-Type-Options": "nosniff"}
    headers |= {"Cache-Control": "private, no-store"} | ({"Content-Length": str(size)} if size is not None else {})
    return StreamingHttpResponse(in_threads(pieces), content_type=mime, headers=headers)


async def in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same pieces, each made in the thread that may ask the database."""

    def step() -> bytes | None:
        return next(pieces, None)

    while (piece := await sync_to_async(step)()) is not None:
        yield piece


def file_pieces(path: Path) -> Iterator[bytes]:
    """A file's bytes, piece by piece."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
