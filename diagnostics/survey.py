"""The dry pass over a benchmark file: everything is checked before anything is written.

What it keeps is small (hashes, not pictures), so that the second pass can write rows without decoding again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.domain.files import hash_bytes
from core.errors import InvalidInput
from core.media import Picture, picture_check
from diagnostics.domain.splits import Split, split_of
from diagnostics.item_text import ItemText, item_text
from diagnostics.tsv import Row, pointer_of, row_pictures, tsv_rows

SHOWN_PROBLEMS = 20


@dataclass(frozen=True)
class PictureFacts:
    """What decoding a picture told."""

    mime: str
    width: int
    height: int


@dataclass
class Survey:
    """What the dry pass learnt, by index key; ``problems`` are sentences that start with the row's number."""

    num_rows: int = 0
    problems: list[str] = field(default_factory=list)
    facts: dict[str, PictureFacts] = field(default_factory=dict)
    row_numbers: dict[str, int] = field(default_factory=dict)
    images: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)
    said_splits: dict[str, Split] = field(default_factory=dict)

    def cluster(self, key: str) -> str:
        """What names the row's scene: the hash of its picture, or of its pictures."""
        images = self.images[key]
        return images[0] if len(images) == 1 else hash_bytes("\n".join(images))

    def split(self, key: str) -> Split:
        """The split that the file says, else the one that follows from the scene."""
        return self.said_splits.get(key) or split_of(self.cluster(key))


def survey_file(tsv: Path, benchmark: str, on_row: Callable[[int], None]) -> Survey:
    """Check every row and decode every picture; InvalidInput lists the bad rows. ``on_row`` gets rows done."""
    survey = Survey()
    for row in tsv_rows(tsv):
        survey.num_rows += 1
        try:
            survey_row(survey, row, tsv, benchmark)
        except InvalidInput as error:
            survey.problems.append(f"row {row.number}: {error}")
        on_row(survey.num_rows)
    follow_pointers(survey)
    if not survey.num_rows:
        survey.problems.append("row 2: the file has no rows.")
    if not survey.problems:
        check_splits(survey)
    if survey.problems:
        raise InvalidInput(problem_list(survey.problems), field="path")
    return survey


def survey_row(survey: Survey, row: Row, tsv: Path, benchmark: str) -> None:
    """Check one row and note its pictures, or where it points."""
    text = item_text(row, benchmark)
    if text.index in survey.row_numbers:
        first = survey.row_numbers[text.index]
        raise InvalidInput(f"index: {text.index} comes twice, first in row {first}.", field="index")
    survey.row_numbers[text.index] = row.number
    if text.split:
        survey.said_splits[text.index] = text.split
    target = pointer_of(row)
    if target is not None:
        survey.pointers[text.index] = target
        return
    pictures = [picture_check(data) for data in row_pictures(row, tsv)]
    survey.images[text.index] = tuple(picture.sha256 for picture in pictures)
    survey.facts |= {p.sha256: PictureFacts(p.mime, p.width, p.height) for p in pictures}


def follow_pointers(survey: Survey) -> None:
    """Give rows that point to another row its pictures; a row that points nowhere, or to a pointer, is a problem."""
    own = dict(survey.images)
    for key, target in survey.pointers.items():
        if target in own:
            survey.images[key] = own[target]
        elif target not in survey.row_numbers or target in survey.pointers:
            number = survey.row_numbers[key]
            survey.problems.append(f"row {number}: image: points to {target!r}, and no row of that index has pictures.")


def check_splits(survey: Survey) -> None:
    """One scene in two splits would let the diagnosis see what the gate asks."""
    first: dict[str, str] = {}
    for key, number in survey.row_numbers.items():
        other = first.setdefault(survey.cluster(key), key)
        if survey.split(other) is not survey.split(key):
            where = f"row {survey.row_numbers[other]} has it in {survey.split(other)}"
            survey.problems.append(f"row {number}: split: {survey.split(key)}, but {where}: one picture, one split.")


def problem_list(problems: list[str]) -> str:
    """The first problems, and how many there are."""
    shown = " ".join(problems[:SHOWN_PROBLEMS])
    more = len(problems) - SHOWN_PROBLEMS
    return f"{len(problems)} problem(s), nothing was imported. {shown}" + (f" And {more} more." if more > 0 else "")


def surveyed_rows(tsv: Path, benchmark: str, survey: Survey) -> Iterator[tuple[ItemText, Row]]:
    """The rows again, for writing; a file that changed meanwhile is refused."""
    for row in tsv_rows(tsv):
        text = item_text(row, benchmark)
        if text.index not in survey.images:
            raise InvalidInput("path: the file changed while it was imported.", field="path")
        yield text, row


def surveyed_pictures(row: Row, tsv: Path, survey: Survey) -> list[Picture]:
    """The row's own pictures, known to be whole from the dry pass; none for a row that points to another."""
    if pointer_of(row) is not None:
        return []
    pictures = []
    for data in row_pictures(row, tsv):
        facts = survey.facts.get(sha256 := hash_bytes(data))
        if facts is None:
            raise InvalidInput("path: the file changed while it was imported.", field="path")
        pictures.append(Picture(data, sha256, facts.mime, facts.width, facts.height))
    return pictures
