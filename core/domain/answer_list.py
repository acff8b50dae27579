"""Lists: ordered (``list``) and unordered (``set``), element by element."""

import json
import re
from collections.abc import Sequence
from typing import Final

from core.domain.answer_short import same_item
from core.domain.answer_text import lines, plain, statement

MAX_ELEMENTS: Final = 100
MAX_LIST_CHARS: Final = 2000

_SEPARATORS: Final = (
    re.compile(r"\s*(?:;|\n)\s*"),
    re.compile(r"\s*(?:->|=>|\u2192|\\r?rightarrow|\\to\b)\s*"),
    re.compile(r"\s*,\s+(?:and\s|or\s)?\s*|\s+and\s+|\s&\s"),
    re.compile(r"\s*,\s*"),
    re.compile(r"\s*[<>]\s*"),
)
_MARK: Final = re.compile(r"^\s*(?:[-*\u2022]|[0-9]{1,2}[.)])\s+")
_BRACKETED: Final = re.compile(r"\[[^\[\]]{1,2000}\]|\\\{[^{}]{1,2000}\\\}|\{[^{}]{1,2000}\}")
_SET_BRACES: Final = re.compile(r"\\([{}])")
_LEAD: Final = re.compile(r"^.{0,200}(?:\b(?:is|are)\b|:|=)\s*", re.DOTALL)
_PAIRS: Final = {"[": "]", "{": "}", "(": ")"}


def read_list(text: str) -> list[str] | None:
    """The elements that the whole text names, in order; None when it is empty or holds an empty one."""
    shown = text.strip()[: MAX_LIST_CHARS + 1]
    if not shown or len(shown) > MAX_LIST_CHARS:
        return None
    elements = _from_json(shown) or _split(_unwrapped(plain(_SET_BRACES.sub(r"\1", shown))))
    trimmed = [element.strip().strip("\"'` ") for element in elements]
    return trimmed if all(trimmed) and len(trimmed) <= MAX_ELEMENTS else None


def _from_json(text: str) -> list[str] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    simple = isinstance(found, list) and all(isinstance(one, str | int | float) for one in found)
    return [str(one) for one in found] if simple else None


def _unwrapped(text: str) -> str:
    """Without one pair of brackets around all and without a closing full stop."""
    text = text.strip().rstrip(".").strip()
    if text and text[-1] == _PAIRS.get(text[0]) and text[0] not in text[1:]:
        return text[1:-1].strip()
    return text


def _split(text: str) -> Sequence[str]:
    """By the first kind of separator that the text holds; list marks are dropped."""
    for separator in _SEPARATORS:
        parts = separator.split(text)
        if len(parts) > 1:
            return [_MARK.sub("", part) for part in parts]
    return [_MARK.sub("", text)]


def list_in_clause(clause: str) -> str | None:
    """The bracketed list in a clause, or its words up to a full stop or reason."""
    bracketed = _BRACKETED.search(clause)
    said = bracketed.group() if bracketed else statement(clause)
    return said if read_list(said) else None


def list_in_prose(text: str) -> str | None:
    """The last bracketed list, the marked lines, or the enumeration after the last line's "are" or colon."""
    bracketed = [m.group() for m in _BRACKETED.finditer(text)]
    if bracketed and read_list(bracketed[-1]):
        return bracketed[-1]
    marked = [_MARK.sub("", line) for line in lines(text) if _MARK.match(line)]
    if len(marked) > 1:
        return "\n".join(marked)
    last = (lines(text) or [""])[-1]
    return list_in_clause(_LEAD.sub("", last))


def same_list(a: Sequence[str], b: Sequence[str]) -> bool:
    """Equal elements in the same places."""
    return len(a) == len(b) and all(same_item(x, y) for x, y in zip(a, b, strict=True))


def same_set(a: Sequence[str], b: Sequence[str]) -> bool:
    """Equal elements in any order, each as often."""
    return _matched(a, b) or _matched(b, a)  # tolerances are not transitive: both ways, so that the sides do not matter


def _matched(a: Sequence[str], b: Sequence[str]) -> bool:
    rest = list(b)
    for element in a:
        place = next((i for i, other in enumerate(rest) if same_item(element, other)), None)
        if place is None:
            return False
        del rest[place]
    return not rest
