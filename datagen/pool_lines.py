"""The list of a pool's pictures, ``pool.jsonl``: every line is checked before anything is kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import InvalidInput
from core.media import MAX_BYTES, Picture, picture_check
from diagnostics.import_paths import import_path

LIST_FILE = "pool.jsonl"
MAX_LINE = 10_000
NO_NUL = r"^[^\x00]*$"  # PostgreSQL stores none


class PoolLine(BaseModel):
    """One picture: its file below the pool's folder, what it shows, and by what right it is here.

    ``caption`` holds words that a search can find it by.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    file: str = Field(min_length=1, max_length=500)
    image_type: str = Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")
    licence: str = Field(min_length=1, max_length=60, pattern=NO_NUL)
    source: str = Field(min_length=1, max_length=300, pattern=NO_NUL)
    caption: str = Field(default="", max_length=300, pattern=NO_NUL)


@dataclass(frozen=True)
class Listed:
    """A line that was checked: its picture is whole and has this content."""

    file: Path
    sha256: str
    mime: str
    width: int
    height: int
    line: PoolLine


def pool_folder(path: str) -> Path:
    """The folder that an import may read, with its list."""
    folder = import_path(path)
    if not folder.is_dir() or not (folder / LIST_FILE).is_file():
        raise InvalidInput(f"path: {path} is no folder with a {LIST_FILE}.", field="path")
    import_path(folder / LIST_FILE)
    return folder


def pool_check(folder: Path, tick: Callable[[int], None]) -> list[Listed]:
    """All pictures of the list, each one once, in its order. InvalidInput names the first bad line by its number.

    ``tick`` is told how many lines are checked: decoding every picture takes a while.
    """
    listed: dict[str, Listed] = {}
    for number, line in pool_lines(folder):
        found = line_check(folder, number, line)
        listed.setdefault(found.sha256, found)
        tick(number)
    if not listed:
        raise InvalidInput(f"{LIST_FILE} lists no picture.", field="path")
    return list(listed.values())


def pool_lines(folder: Path) -> Iterator[tuple[int, PoolLine]]:
    """The lines that are not empty, with their numbers from 1."""
    with (folder / LIST_FILE).open("rb") as file:
        for number, raw in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), start=1):
            if len(raw) > MAX_LINE:
                raise bad_line(number, f"longer than {MAX_LINE} bytes")
            if raw.strip():
                yield number, parse_line(number, raw)


def parse_line(number: int, raw: bytes) -> PoolLine:
    """One line as checked values."""
    try:
        return PoolLine.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise bad_line(number, f"{where}: {first['msg']}" if where else first["msg"]) from error


def line_check(folder: Path, number: int, line: PoolLine) -> Listed:
    """The line with its picture decoded whole; links that lead out of the folder lead nowhere."""
    try:
        picture = picture_read(picture_path(folder, line.file))
    except InvalidInput as error:
        raise bad_line(number, str(error)) from error
    return Listed(
        file=folder / line.file,
        sha256=picture.sha256,
        mime=picture.mime,
        width=picture.width,
        height=picture.height,
        line=line,
    )


def picture_path(folder: Path, name: str) -> Path:
    """The file below ``folder`` that ``name`` means, links followed."""
    path = import_path(folder / name, field="file") if "://" not in name else None
    if path is None or not path.is_relative_to(folder) or not path.is_file():
        raise InvalidInput(f"file: {name} is no file below the pool's folder.", field="file")
    return path


def picture_read(path: Path) -> Picture:
    """The checked picture in a file; a file that is too large is not read."""
    if path.stat().st_size > MAX_BYTES:
        raise InvalidInput(f"file: {path.name} is larger than {MAX_BYTES >> 20} MiB.", field="file")
    return picture_check(path.read_bytes(), field="file")


def bad_line(number: int, why: str) -> InvalidInput:
    """What is wrong with the list, and where."""
    return InvalidInput(f"{LIST_FILE} line {number}: {why}", field=f"{LIST_FILE}:{number}")
