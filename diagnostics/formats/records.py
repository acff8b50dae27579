"""Records of named values (JSON objects, table rows) as rows: which name is which column, options, pictures."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_uppercase

from core.domain.answer_text import normal
from core.errors import InvalidInput
from diagnostics.formats.row import Kind, PictureSource, Row, RowFault, cell_list, index_key, literal
from diagnostics.formats.sources import named_source, numbered_source

Record = Mapping[str, object]

# Our column, and the names under which it is found; the first that a record has wins.
NAMES: dict[str, tuple[str, ...]] = {
    "index": ("index", "id", "pid", "qid", "question_id", "sample_index"),
    "question": ("question", "query", "problem", "prompt"),
    "hint": ("hint", "context"),
    "options": ("options", "choices"),
    "answer": ("answer", "ground_truth", "gt_answer", "solution", "label"),
    "answer_type": ("answer_type",),
    "category": ("category", "skill", "subject", "task"),
    "l2-category": ("l2-category", "image_type"),
    "split": ("split",),
    "g_index": ("g_index",),
    "image": ("image", "images", "decoded_image", "picture", "pictures"),
    "image_path": ("image_path", "image_paths", "file_name", "file_names"),
}
NUMBERED_IMAGES = tuple(f"image_{number}" for number in range(1, 33))
TEXTS = ("question", "hint", "answer_type", "category", "l2-category", "split", "g_index")


@dataclass(frozen=True)
class Origin:
    """Where records come from: the benchmark's file, and which of its names the importer's user gave to a column.

    A given name may lead into an object: ``metadata.category``.
    """

    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)


def columns_read(pairs: Iterable[str]) -> dict[str, str]:
    """The mapping that ``OURS=THEIRS`` pairs say; InvalidInput for a text that is no pair, or a name said twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        ours, is_pair, theirs = (part.strip() for part in pair.partition("="))
        if not is_pair:
            raise InvalidInput(f"columns: {pair.strip()[:60]!r} is not of the form ours=theirs.", field="columns")
        if ours in found:
            raise InvalidInput(f"columns: {ours[:60]!r} comes twice.", field="columns")
        found[ours] = theirs
    return found


def columns_check(columns: Mapping[str, str]) -> None:
    """InvalidInput for a mapping of a column that we do not know."""
    for ours, theirs in columns.items():
        if ours not in NAMES:
            raise InvalidInput(f"columns: {ours[:40]!r} is none of {', '.join(NAMES)}.", field="columns")
        if not theirs.strip():
            raise InvalidInput(f"columns: {ours} has no name.", field="columns")


def record_row(number: int, record: Record, origin: Origin, *, position: int) -> Row:
    """The record as a row, or as its fault. Without an index, ``position`` (from 0) is the index."""
    try:
        cells = {name: text_of(value_of(record, name, origin), name) for name in TEXTS}
        options = options_of(record, origin)
        cells["index"] = text_of(value_of(record, "index", origin), "index") or str(position)
        cells["answer"] = answer_of(value_of(record, "answer", origin), options)
        return Row(number, {**cells, **options}, pictures_of(record, origin, cells["index"]))
    except RowFault as fault:
        return Row(number, {}, fault=fault)


def value_of(record: Record, name: str, origin: Origin) -> object:
    """The record's value for one of our columns; None where it has none."""
    if name in origin.columns:
        return deep_value(record, origin.columns[name], name)
    found = (record[theirs] for theirs in NAMES[name] if record.get(theirs) is not None)
    return next(found, None)


def deep_value(record: Record, path: str, name: str) -> object:
    """The value under a given name, or inside objects under a dotted one; RowFault when there is none."""
    if path in record:
        return record[path]
    value: object = record
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise RowFault(f"the row has no {path[:80]!r}, which stands for {name}.", field=name)
        value = value[part]
    return value


def text_of(value: object, name: str) -> str:
    """A value as a cell's text: numbers as written, objects and lists as JSON."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, bytes):
        raise RowFault("bytes where a text is needed.", field=name)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RowFault("half of a surrogate pair is no text.", field=name) from error
    return text


def options_of(record: Record, origin: Origin) -> dict[str, str]:
    """Options by letter: a list, an object by letter, the text of a list, or columns A, B, C, ..."""
    value = value_of(record, "options", origin)
    if isinstance(value, str) and value.strip().startswith("["):
        value = literal(value.strip(), "options")
    if isinstance(value, list | tuple):
        if len(value) > len(ascii_uppercase):
            raise RowFault(f"{len(value)} options, at most 26 have letters.", field="options", kind=Kind.BAD_LIST)
        return {letter: text_of(text, "options") for letter, text in zip(ascii_uppercase, value, strict=False)}
    named = value if isinstance(value, Mapping) else record
    return {letter: text for letter in ascii_uppercase if (text := text_of(named.get(letter), "options").strip())}


def answer_of(value: object, options: Mapping[str, str]) -> str:
    """The gold answer's text; a whole number that is no option's text is an option's place, counted from 0."""
    text = text_of(value, "answer").strip()
    if not options or not (text.isascii() and text.isdigit()) or len(text) > 2:
        return text
    place = ascii_uppercase[int(text)] if int(text) < len(ascii_uppercase) else ""
    same = [letter for letter, option in options.items() if normal(option) == normal(text)]
    if place in options and same and same != [place] and isinstance(value, int):
        message = f"{text} may be the option at place {text} or the option that says {text}; give the letter."
        raise RowFault(message, field="answer", kind=Kind.ANSWER)
    return place if place in options and not same else text


def pictures_of(record: Record, origin: Origin, index: str) -> tuple[PictureSource, ...]:
    """The record's pictures: one or several, as bytes, objects, names or base64; else ``images/INDEX.png``."""
    for name in ("image", "image_path"):
        sources = sources_of(value_of(record, name, origin), origin.path, name)
        if sources:
            return sources
    many = [one for name in NUMBERED_IMAGES for one in sources_of(record.get(name), origin.path, name)]
    return tuple(many) or (numbered_source(index_key(index), origin.path, "image"),)


def sources_of(value: object, base: Path, name: str) -> tuple[PictureSource, ...]:
    """What one value says of pictures; none for an empty one."""
    if isinstance(value, str) and value.strip().startswith("["):
        value = cell_list(value.strip(), name)
    if isinstance(value, list | tuple):
        return several(value, base, name)
    source = one_source(value, base, name)
    return () if source is None else (source,)


def several(values: list[object] | tuple[object, ...], base: Path, name: str) -> tuple[PictureSource, ...]:
    """The pictures of a list, which may not be longer than 32."""
    if len(values) > len(NUMBERED_IMAGES):
        message = f"{len(values)} pictures, at most {len(NUMBERED_IMAGES)} are read."
        raise RowFault(message, field=name, kind=Kind.BAD_LIST)
    sources = [one_source(value, base, name) for value in values]
    return tuple(source for source in sources if source is not None)


def one_source(value: object, base: Path, name: str) -> PictureSource | None:
    """One picture; Hugging Face's ``Image`` is an object with ``bytes`` or, without them, a ``path``."""
    if isinstance(value, Mapping):
        inner = value.get("bytes") or value.get("path") or value.get("url")
        return None if isinstance(inner, Mapping | list) else one_source(inner, base, name)
    if isinstance(value, bytes):
        return value or None
    if isinstance(value, str):
        return named_source(value, base, name) if value.strip() else None
    if value is None or (isinstance(value, float) and value != value):
        return None
    raise RowFault("neither a picture nor the name of one.", field=name, kind=Kind.MISSING)
