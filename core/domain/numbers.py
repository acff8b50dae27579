"""Numbers as people and models write them: "1,000", "twelve", "1 1/2", "50%", "1.2 x 10^3", "12 cm"."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from core.domain.answer_text import plain, trimmed

REL_TOLERANCE: Final = Fraction(1, 10_000)
MAX_EXPONENT: Final = 60

_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,10}(?![0-9])|[0-9]{1,40})"
_DECIMAL = rf"(?:{_DIGITS}(?:\.[0-9]{{1,40}})?|\.[0-9]{{1,40}})"
_POWER = r"(?:[eE](?P<e>[-+]?[0-9]{1,3})(?![0-9])|\s?[x*]\s?10\s?\^\s?\{?(?P<ten>[-+]?[0-9]{1,3})\}?)?"
_NUMBER = (
    r"(?P<sign>[-+]?)\s?[$\u20ac\u00a3\u00a5]?\s?"
    rf"(?:(?P<whole>[0-9]{{1,20}})\s(?P<n>[0-9]{{1,20}})/(?P<d>[0-9]{{1,20}})"
    rf"|(?P<top>{_DECIMAL})\s?/\s?(?P<bottom>{_DECIMAL})"
    rf"|(?P<decimal>{_DECIMAL}){_POWER})"
)
_WHOLE = re.compile(
    rf"(?:[a-z]{{0,12}}\s?[=:]|approximately|about|around|roughly)?\s?{_NUMBER}(?P<rest>.*)",
    re.IGNORECASE,
)
_IN_PROSE = re.compile(
    rf"(?<![\w./^])(?<![\w)]-){_NUMBER}(?![\w/]*[0-9]|\s?\^)(?:\s?(?:%|percent\b)|\s(?:thousand|million|billion|trillion)\b"
    r"|\s?(?:mm|cm|km|m|kg|g|mg|s|ms|min|h|degrees)\b)?",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"(?m)^[ \t]{0,8}[0-9]{1,2}[.)](?=[ \t]+\S)")
_UNIT = re.compile(r"(?P<name>[a-zA-Z]+)(?P<power>\^\{?-?[0-9]\}?)?")

_WORD_OR_STOP = re.compile(r"[a-z]+|[.,;:\n]")
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: i for i, word in enumerate((_ONES + " eighteen nineteen").split())}
_SMALL |= {word: 10 * i for i, word in enumerate(_TENS.split(), 2)}
_BIG = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SIGN_WORDS = {"minus", "negative"}
_WORDS = _SMALL.keys() | _BIG.keys() | {"hundred", "and"} | _SIGN_WORDS
_UNITS = {
    alias: names.split()[0]
    for names in (
        "mm millimeter millimeters millimetre millimetres",
        "cm centimeter centimeters centimetre centimetres",
        "m meter meters metre metres",
        "km kilometer kilometers kilometre kilometres",
        "mg milligram milligrams",
        "g gram grams",
        "kg kilogram kilograms",
        "ms millisecond milliseconds",
        "s sec second seconds",
        "min minute minutes",
        "h hr hour hours",
        "degrees degree deg",
    )
    for alias in names.split()
}


@dataclass(frozen=True)
class Quantity:
    """An exact value as it was written; ``unit`` is a known unit's short name or empty."""

    value: Fraction
    percent: bool = False
    unit: str = ""


def read_number(text: str) -> Quantity | None:
    """The number that the whole text is, with an optional sign, currency, unit or percent sign; None if it is more."""
    flat = trimmed(" ".join(plain(text).split()))
    match = _WHOLE.fullmatch(flat)
    if match is None:
        return _read_words(flat)
    value = _value(match)
    return None if value is None else _with_unit(value, match["rest"].strip())


def last_number(text: str) -> str | None:
    """The last number in prose as it stands there (digits before words; list numbering only when there is no other)."""
    flat = plain(text)
    found = [*_IN_PROSE.finditer(_LIST_MARK.sub("", flat))] or [*_IN_PROSE.finditer(flat)]
    return found[-1].group().strip() if found else _last_words(flat)


def first_number(clause: str) -> str | None:
    """The first number in a clause as it stands there."""
    match = _IN_PROSE.search(plain(clause))
    return match.group().strip() if match else _last_words(plain(clause))


def same_number(a: Quantity, b: Quantity) -> bool:
    """Equal up to ``REL_TOLERANCE`` (whole numbers exactly); 50% is both 50 and .5; known units must agree."""
    if a.unit and b.unit and a.unit != b.unit:
        return False
    if a.percent == b.percent:
        return _close(a.value, b.value)
    percent, bare = (a, b) if a.percent else (b, a)
    return _close(percent.value, bare.value) or _close(percent.value / 100, bare.value)


def _close(a: Fraction, b: Fraction) -> bool:
    if a.denominator == b.denominator == 1:
        return a == b
    return abs(a - b) <= REL_TOLERANCE * max(abs(a), abs(b))


def _value(match: re.Match[str]) -> Fraction | None:
    """The value of a ``_NUMBER`` match; None for a zero denominator or an exponent beyond ``MAX_EXPONENT``."""
    sign = -1 if match["sign"] == "-" else 1
    exponent = int(match["e"] or match["ten"] or 0)
    if abs(exponent) > MAX_EXPONENT:
        return None
    if match["decimal"]:
        return sign * _fraction(match["decimal"]) * Fraction(10) ** exponent
    bottom = _fraction(match["d"] or match["bottom"])
    if bottom == 0:
        return None
    return sign * (int(match["whole"] or 0) + _fraction(match["n"] or match["top"]) / bottom)


def _fraction(digits: str) -> Fraction:
    return Fraction(digits.replace(",", ""))


def _with_unit(value: Fraction, rest: str) -> Quantity | None:
    """The quantity with what stood behind its number; None when that holds another number or is a sentence."""
    words = rest.casefold().split()
    if words and words[0] in _BIG:
        value, words = value * _BIG[words[0]], words[1:]
    if not words:
        return Quantity(value)
    if words[0] in {"%", "percent"} or words[:2] == ["per", "cent"]:
        return Quantity(value, percent=True)
    known = _UNIT.fullmatch(words[0])
    tail = " ".join(words[1:] if known else words)
    if len(rest) > 40 or any(c.isdigit() for c in tail) or {"or", *_SMALL} & set(words):
        return None
    unit = _UNITS.get(known["name"], "") if known else ""
    return Quantity(value, unit=unit + (known["power"] or "") if known and unit else "")


def _read_words(flat: str) -> Quantity | None:
    """The number that words spell, such as "one hundred and five" or "minus twelve birds"."""
    words = flat.casefold().replace("-", " ").split()[:16]
    used = next((i for i, word in enumerate(words) if word not in _WORDS), len(words))
    value = _spelled(words[:used])
    return None if value is None else _with_unit(Fraction(value), " ".join(words[used:]))


def _spelled(words: list[str]) -> int | None:
    """What one number's words add up to; None for anything else, such as "one two" or "and"."""
    negative, words = (True, words[1:]) if words and words[0] in _SIGN_WORDS else (False, words)
    if not words or words[0] not in _SMALL or words[-1] == "and" or _SIGN_WORDS & set(words):
        return None
    total, group = 0, 0
    for word in words:
        if word == "hundred":
            group *= 100
        elif word in _BIG:
            total, group = total + group * _BIG[word], 0
        elif word != "and":
            if group % 10 or 0 < group % 100 < 20 or (group % 100 and _SMALL[word] >= 10):
                return None
            group += _SMALL[word]
    return -(total + group) if negative else total + group


def _last_words(flat: str) -> str | None:
    """The last number spelled in prose."""
    run: list[str] = []
    found: str | None = None
    for word in _WORD_OR_STOP.findall(flat.casefold()):
        run = [*run, word][-16:] if word in _WORDS else []
        if word in _SMALL and _spelled(run) is None:
            run = [word]
        found = " ".join(run) if _spelled(run) is not None else found
    return found
