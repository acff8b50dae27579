"""The pass over a benchmark file: everything is checked, pictures decoded in threads, before any row is written.

What it keeps in memory is small (hashes, not pictures, not texts), so that the file may be of any size.
"""

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from core.domain.files import hash_bytes
from core.errors import InvalidInput
from core.media_staging import Staging
from core.pictures import PictureFacts, facts_of, picture_decode
from diagnostics.benchmark_file import BenchmarkFile
from diagnostics.domain.splits import Split, split_of
from diagnostics.formats.row import Kind, PictureSource, Row, RowFault
from diagnostics.formats.sources import source_bytes
from diagnostics.item_spool import ItemSpool
from diagnostics.item_text import ItemText, item_text
from diagnostics.problems import KEPT, Problems

THREADS = 3 * (os.cpu_count() or 1)  # decoding lets go of the interpreter, and files wait for the disk
PENDING_BYTES = 48 << 20
BATCH_ROWS, BATCH_BYTES = 16, 1 << 20  # what a thread takes at once: rows one by one would be mostly hand-overs

Taken = list[tuple[str, PictureFacts]]


@dataclass
class Survey:
    """What the pass learnt, by index key."""

    num_rows: int = 0
    problems: Problems = field(default_factory=Problems)
    facts: dict[str, PictureFacts] = field(default_factory=dict)
    row_numbers: dict[str, int] = field(default_factory=dict)
    images: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)
    said_splits: dict[str, Split] = field(default_factory=dict)
    skills: Counter[str] = field(default_factory=Counter)
    same_content: list[int] = field(default_factory=list)
    num_same_content: int = 0
    _contents: set[bytes] = field(default_factory=set)

    def cluster(self, key: str) -> str:
        """What names the row's scene: the hash of its picture, or of its pictures."""
        images = self.images[key]
        return images[0] if len(images) == 1 else hash_bytes("\n".join(images))

    def split(self, key: str) -> Split:
        """The split that the file says, else the one that follows from the scene."""
        return self.said_splits.get(key) or split_of(self.cluster(key))

    def note_content(self, number: int, text: ItemText, images: str) -> None:
        """Count a row that asks the same of the same pictures as an earlier one under another index."""
        content = bytes.fromhex(hash_bytes(f"{images}\n{text.question}\n{sorted(text.options.items())}\n{text.answer}"))
        if content in self._contents:
            self.num_same_content += 1
            self.same_content += [number] if len(self.same_content) < KEPT else []
        self._contents.add(content)


@dataclass(frozen=True)
class Kept:
    """Where the pass leaves what the writing needs; a dry run leaves nothing."""

    staging: Staging
    spool: ItemSpool


@dataclass
class Batch:
    """Good rows whose pictures one thread decodes."""

    rows: list[tuple[int, ItemText]] = field(default_factory=list)
    pictures: list[tuple[PictureSource, ...]] = field(default_factory=list)
    num_bytes: int = 0

    def add(self, row: Row, text: ItemText) -> None:
        """One more row."""
        self.rows.append((row.number, text))
        self.pictures.append(row.pictures)
        self.num_bytes += sum(len(one) for one in row.pictures if not isinstance(one, Path))

    @property
    def is_full(self) -> bool:
        """Whether a thread should take it now."""
        return len(self.rows) >= BATCH_ROWS or self.num_bytes > BATCH_BYTES


@dataclass
class Surveyor:
    """Goes through the rows; pictures are decoded meanwhile, a bounded number of them at a time."""

    survey: Survey
    pool: ThreadPoolExecutor
    kept: Kept | None
    batch: Batch = field(default_factory=Batch)
    pending: deque[tuple[Batch, Future[list[Taken | InvalidInput]]]] = field(default_factory=deque)
    num_bytes: int = 0

    def row(self, row: Row, benchmark: str) -> None:
        """Check one row; its pictures may be looked at later."""
        self.survey.num_rows += 1
        try:
            text = self.checked_text(row, benchmark)
        except InvalidInput as error:
            self.survey.problems.add(row.number, error)
            return
        if row.points_to is not None:
            self.survey.pointers[text.index] = row.points_to
            self.keep(row.number, text, f"as {row.points_to}")
            return
        self.batch.add(row, text)
        if self.batch.is_full:
            self.submit()

    def checked_text(self, row: Row, benchmark: str) -> ItemText:
        """The row's question under an index that is new."""
        if row.fault and not row.cells:
            raise row.fault
        text = item_text(row, benchmark)
        first = self.survey.row_numbers.setdefault(text.index, row.number)
        if first != row.number:
            message = f"{text.index} comes twice, first in row {first}."
            raise RowFault(message, field="index", kind=Kind.DUPLICATE)
        if row.fault:
            raise row.fault
        return text

    def submit(self) -> None:
        """Let a thread decode the batch's pictures, when others are done if too many wait."""
        batch, self.batch = self.batch, Batch()
        self.num_bytes += batch.num_bytes
        taken = self.pool.submit(batch_take, batch.pictures, self.kept.staging if self.kept else None)
        self.pending.append((batch, taken))
        while len(self.pending) > 2 * THREADS or self.num_bytes > PENDING_BYTES:
            self.settle()

    def settle(self) -> None:
        """Note what became of the pictures that were submitted first."""
        batch, future = self.pending.popleft()
        self.num_bytes -= batch.num_bytes
        for (number, text), taken in zip(batch.rows, future.result(), strict=True):
            if isinstance(taken, InvalidInput):
                self.survey.problems.add(number, taken)
                continue
            self.survey.facts.update(taken)
            self.survey.images[text.index] = tuple(sha for sha, _ in taken)
            self.keep(number, text, " ".join(sha for sha, _ in taken))

    def finish(self) -> Iterator[None]:
        """Settle all that is left, step by step."""
        self.submit()
        while self.pending:
            self.settle()
            yield

    def keep(self, number: int, text: ItemText, images: str) -> None:
        """Note a good row, and its text for the writing."""
        if text.split:
            self.survey.said_splits[text.index] = text.split
        self.survey.skills[text.skill] += 1
        self.survey.note_content(number, text, images)
        if self.kept:
            self.kept.spool.write(text)


def survey_file(file: BenchmarkFile, benchmark: str, on_row: Callable[[int], None], kept: Kept | None = None) -> Survey:
    """Check every row and decode every picture; ``on_row`` gets rows done. What was good is ``kept`` for the writing.

    InvalidInput when the file itself cannot be read to its end; ``problems`` has what is wrong with its rows.
    """
    survey, before = Survey(), file.state()
    with ThreadPoolExecutor(THREADS) as pool:
        surveyor = Surveyor(survey, pool, kept)
        for row in file.rows():
            surveyor.row(row, benchmark)
            on_row(survey.num_rows)
        for _ in surveyor.finish():
            on_row(survey.num_rows)
    if file.state() != before:
        raise InvalidInput("path: the file changed while it was imported.", field="path")
    survey_finish(survey)
    return survey


def batch_take(rows: list[tuple[PictureSource, ...]], staging: Staging | None) -> list[Taken | InvalidInput]:
    """Decode the pictures of some rows, into the staging folder if there is one; runs in a thread."""
    return [pictures_take(sources, staging) for sources in rows]


def pictures_take(sources: tuple[PictureSource, ...], staging: Staging | None) -> Taken | InvalidInput:
    """The pictures of one row, or what is wrong with the first bad one."""
    try:
        return [picture_take(source_bytes(source), staging) for source in sources]
    except InvalidInput as error:
        return error


def picture_take(data: bytes, staging: Staging | None) -> tuple[str, PictureFacts]:
    """One picture's name and facts."""
    if staging:
        return staging.take(data)
    with picture_decode(data) as image:
        return hash_bytes(data), facts_of(image, len(data))


def survey_finish(survey: Survey) -> None:
    """What can be said only when all rows are known."""
    follow_pointers(survey)
    if not survey.num_rows:
        survey.problems.add(2, RowFault("the file has no rows.", field="row"))
    if not survey.problems.total:
        check_splits(survey)


def follow_pointers(survey: Survey) -> None:
    """Give rows that point to another row its pictures; a row that points nowhere, or to a pointer, is a problem."""
    own = dict(survey.images)
    for key, target in survey.pointers.items():
        if target in own:
            survey.images[key] = own[target]
        elif target not in survey.row_numbers or target in survey.pointers:
            message = f"points to {target[:80]!r}, and no row of that index has pictures."
            survey.problems.add(survey.row_numbers[key], RowFault(message, field="image", kind=Kind.POINTER))


def check_splits(survey: Survey) -> None:
    """One scene in two splits would let the diagnosis see what the gate asks."""
    first: dict[str, str] = {}
    for key, number in survey.row_numbers.items():
        other = first.setdefault(survey.cluster(key), key)
        if survey.split(other) is not survey.split(key):
            where = f"row {survey.row_numbers[other]} has it in {survey.split(other)}"
            message = f"{survey.split(key)}, but {where}: one picture, one split."
            survey.problems.add(number, RowFault(message, field="split", kind=Kind.SPLIT))
