"""Yes or no, and short text: a word, a name, a date, what a sign says."""

import re

from core.domain.answer_choice import Options, option_letter, present_options
from core.domain.answer_dates import read_moment, same_moment
from core.domain.answer_text import lines, normal, statement
from core.domain.numbers import exact, read_number, same_number, spelled_number

MAX_TEXT_ANSWER_WORDS = 8

_YES_NO = {
    **dict.fromkeys(("yes", "y", "true", "yeah", "yep", "\u662f"), "yes"),
    **dict.fromkeys(("no", "n", "false", "nope", "\u5426"), "no"),
}
_YES_NO_WORD = re.compile(r"\b(?:yes|no|true|false)\b")
_BOTH = re.compile(r"\W{0,3}(?:or|and|/)\W{0,3}(?:yes|no|true|false)\b")
_COPULA = re.compile(r"\s(?:is|are|says|reads|looks like)\s|\b(?:it|this|that|there)'s\s|[:=]\s", re.IGNORECASE)
_DENIED = re.compile(r"(?:\bnot|n't) (true|false)\b")
_WORD_BREAK = re.compile(r"(?<=[^\W\d_])[ -](?=[^\W\d_])")
_UNIT_GAP = re.compile(r"(?<=\d) (?=[^\W\d_])")


def whole_yes_no(answer: str, options: Options | None) -> str | None:
    """Yes or no, or the letter of the option that says so."""
    letter = option_letter(answer, options) if options else None
    return _YES_NO.get(normal(present_options(options)[letter] if letter else answer))


def yes_no_in_clause(clause: str, options: Options | None) -> str | None:
    """What a clause begins with; "yes or no" is neither."""
    whole = whole_yes_no(statement(clause), options)
    start = normal(clause)
    first = _YES_NO_WORD.match(start)
    if first is None or _BOTH.match(start, first.end()):
        return whole
    return whole or _YES_NO[first.group()]


def yes_no_in_prose(text: str, options: Options | None) -> str | None:
    """The first word, the last line, or the only one of yes and no that is said."""
    shown = lines(text)
    for line in [*shown[:1], *shown[-1:]]:
        answer = yes_no_in_clause(line, options)
        if answer is not None:
            return answer
    words = _DENIED.sub(lambda m: "no" if m[1] == "true" else "yes", text.casefold())
    said = {_YES_NO[word] for word in _YES_NO_WORD.findall(words)}
    return said.pop() if len(said) == 1 else None


def text_in_clause(clause: str, options: Options | None) -> str | None:
    """The clause up to its first full stop or reason."""
    return normal(statement(clause)) or None


def text_in_prose(text: str, options: Options | None) -> str | None:
    """The last line, or what its last "is" says when that is short."""
    last = statement((lines(text) or [""])[-1])
    tail = _COPULA.split(last)[-1]
    return normal(tail if len(tail.split()) <= MAX_TEXT_ANSWER_WORDS else last) or None


def same_text(a: str, b: str) -> bool:
    """Equal words; a hyphen between words may be a space, a date or time be written otherwise, "12" be "twelve"."""
    first, second = normal(a), normal(b)
    if not first or not second:
        return False
    if first == second or _joined(first) == _joined(second):
        return True
    left, right = read_moment(first), read_moment(second)
    if left is not None and right is not None:
        return same_moment(left, right)
    return _same_spelled(first, second) or _same_spelled(second, first)


def _joined(text: str) -> str:
    return _UNIT_GAP.sub("", _WORD_BREAK.sub(" ", text))


def _same_spelled(words: str, digits: str) -> bool:
    """Whether a number is spelled on one side and written in digits on the other; 007 is a name, no number."""
    spelled = spelled_number(words)
    written = read_number(digits) if spelled is not None and digits[0] != "0" and digits.isdigit() else None
    return spelled is not None and written is not None and same_number(spelled, written)


def same_item(a: str, b: str) -> bool:
    """Whether two elements of lists are equal: as numbers without tolerances where both are, else as text."""
    left, right = read_number(a), read_number(b)
    return same_number(exact(left), exact(right)) if left is not None and right is not None else same_text(a, b)
