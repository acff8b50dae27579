"""Numbers as people and models write them: "1,000", "twelve", "1 1/2", "50%", "12 cm", "12 ± 0.5"."""

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Final

from core.domain.answer_text import plain, trimmed
from core.domain.answer_units import UNITS, Unit, leading_unit, ratio

REL_TOLERANCE: Final = Fraction(1, 10_000)
MAX_EXPONENT: Final = 60

_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,10}(?![0-9])|[0-9]{1,40})"
_DECIMAL = rf"(?:{_DIGITS}(?:\.[0-9]{{1,40}})?|\.[0-9]{{1,40}})"
_POWER = r"(?:[eE](?P<e>[-+]?[0-9]{1,3})(?![0-9])|\s?[x*]\s?10\s?\^\s?\{?(?P<ten>[-+]?[0-9]{1,3})\}?)?"
_NUMBER = (
    r"(?P<sign>[-+]?)\s?(?P<money>[$\u20ac\u00a3\u00a5]?)\s?(?P<inner>-?)"
    rf"(?:(?P<whole>[0-9]{{1,20}})\s(?P<n>[0-9]{{1,20}})/(?P<d>[0-9]{{1,20}})"
    rf"|(?P<top>{_DECIMAL})\s?/\s?(?P<bottom>{_DECIMAL})"
    rf"|(?P<decimal>{_DECIMAL}){_POWER})"
)
_WHOLE = re.compile(
    rf"(?:[a-z]{{0,12}}\s?[=:]|approximately|about|around|roughly)?\s?{_NUMBER}(?P<rest>.*)",
    re.IGNORECASE,
)
_BEHIND = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_IN_PROSE = re.compile(
    rf"(?<![\w./^])(?<![\w)]-){_NUMBER}(?![\w/]*[0-9]|\s?\^|\s?\\[a-z]|[acdefiopqrtuxyz](?!\w))(?:\s?(?:%|percent\b)|\s(?:thousand|million|billion|trillion)\b"
    rf"|[kKMB](?!\w))?(?:\s?(?:{_BEHIND})(?:\^?[23])?(?!\w))?(?:\s?(?:\u00b1|\+/?-)\s?{_DECIMAL}%?)?",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"(?m)^[ \t]{0,8}[0-9]{1,2}[.)](?=[ \t]+\S)")
_TOLERANCE = re.compile(r"\s?(?:\u00b1|\+/?-)\s?")
_HEDGE = re.compile(
    r"(?:\s[a-z]{1,12})?\s(?:or|to)\s(?:(?:maybe|perhaps|possibly)\s)?|\sand\s|\s?-\s?|[,:\s]", re.IGNORECASE
)
_NO_NOUN = re.compile(r"^[a-z](?![a-z'])|[\d\\^*+=<>|_{}\[\]!\u221a\u03c0]")
_RANGE = re.compile(r"\s?-\s?[0-9]")
_OR_WORD = re.compile(r"\s(?:or|and|to)\s([a-z]+)", re.IGNORECASE)
_ASIDE = re.compile(r"\([^()\n]{0,200}\)")
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
_SUFFIXES = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "bn": 10**9}
_OTHERS = frozenset({"or", *_SMALL})


@dataclass(frozen=True)
class Quantity:
    """An exact value as it was written; ``tolerance`` stood behind a ±, ``rest`` is a noun that is no known unit."""

    value: Fraction
    percent: bool = False
    unit: Unit | None = None
    tolerance: Fraction | None = None
    rest: str = ""


def read_number(text: str) -> Quantity | None:
    """The number that the whole text is, with its sign, currency, unit, percent sign and tolerance; None for more."""
    flat = trimmed(" ".join(plain(text).split()))
    head, *tail = _TOLERANCE.split(flat, maxsplit=1)
    if not tail or not head:
        return _read_one(flat)
    middle, allowed = _read_one(head), _read_one(tail[0])
    return None if middle is None or allowed is None else _tolerant(middle, allowed)


def _read_one(flat: str) -> Quantity | None:
    match = _WHOLE.fullmatch(flat)
    if match is None:
        return _read_words(flat)
    value = _value(match)
    return None if value is None else _with_unit(value, f"{match['rest']} {match['money']}".strip())


def _tolerant(middle: Quantity, allowed: Quantity) -> Quantity | None:
    """12 ± 0.5 cm, 12 cm ± 5 mm, 12 ± 5%."""
    if allowed.percent and not middle.percent:
        return replace(middle, tolerance=abs(middle.value * allowed.value / 100))
    factor = ratio(allowed.unit, middle.unit)
    if factor is None:
        return None
    return replace(middle, unit=middle.unit or allowed.unit, tolerance=abs(allowed.value * factor))


def last_number(text: str) -> str | None:
    """The last number in prose as it stands there; None when the last two are alternatives, such as "12 or 13".

    Digits go before words, and list numbering and asides in brackets count only when there is nothing else.
    """
    flat = plain(text)
    for shown in (_ASIDE.sub(" ", _LIST_MARK.sub("", flat)), _LIST_MARK.sub("", flat), flat):
        found = [*_IN_PROSE.finditer(shown)]
        if found:
            return None if _are_hedged(shown, found[-2:]) else found[-1].group().strip()
    return _last_words(flat)


def first_number(clause: str) -> str | None:
    """The first number in a clause as it stands there; None for "12 or 13"."""
    flat = plain(clause)
    found = [*_IN_PROSE.finditer(flat)][:2]
    if not found:
        return _last_words(flat)
    return None if _are_hedged(flat, found) else found[0].group().strip()


def _are_hedged(text: str, found: list[re.Match[str]]) -> bool:
    end = found[-1].end()
    word = _OR_WORD.match(text, end)
    between = (text[a.end() : b.start()] for a, b in pairwise(found))
    is_open = bool(word and word[1].casefold() in _SMALL) or bool(_RANGE.match(text, end))
    return is_open or any(map(_HEDGE.fullmatch, between))


def same_number(a: Quantity, b: Quantity) -> bool:
    """Equal up to ``REL_TOLERANCE`` (whole numbers exactly) or the wider tolerance that is written.

    50% is both 50 and .5; known units are converted and must measure the same thing; a unit may be left out.
    """
    factor = ratio(a.unit, b.unit)
    if factor is None:
        return False
    scale = factor if a.unit and b.unit else Fraction(1)
    left = replace(a, value=a.value * scale, tolerance=None if a.tolerance is None else a.tolerance * scale)
    if a.percent == b.percent:
        return _near(left, b)
    percent, bare = (left, b) if a.percent else (b, left)
    part = replace(percent, value=percent.value / 100, tolerance=None)
    return _near(percent, bare) or _near(part, bare)


def exact(quantity: Quantity) -> Quantity:
    """The quantity without a tolerance of its own: a model cannot widen what counts as right."""
    return replace(quantity, tolerance=None)


def _near(a: Quantity, b: Quantity) -> bool:
    written = [q.tolerance for q in (a, b) if q.tolerance is not None]
    return _close(a.value, b.value) or (bool(written) and abs(a.value - b.value) <= max(written))


def _close(a: Fraction, b: Fraction) -> bool:
    if a.denominator == b.denominator == 1:
        return a == b
    return abs(a - b) <= REL_TOLERANCE * max(abs(a), abs(b))


def _value(match: re.Match[str]) -> Fraction | None:
    """The value of a ``_NUMBER`` match; None for a zero denominator or an exponent beyond ``MAX_EXPONENT``."""
    sign = -1 if "-" in (match["sign"], match["inner"]) else 1
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
    """The quantity with what stood around its number; None when that holds another number or is a sentence."""
    head, _, behind = rest.partition(" ")
    if head.strip() in _SUFFIXES:
        value, rest = value * _SUFFIXES[head.strip()], behind
    words = rest.casefold().replace("per cent", "percent").split()
    big = next((word for word in words[:2] if word in _BIG), "")
    if big:
        value, words = value * _BIG[big], [word for word in words if word != big]
    if words and words[0] in {"%", "percent"}:
        return Quantity(value, percent=True)
    unit, tail = leading_unit(" ".join(words))
    if len(rest) > 40 or _NO_NOUN.search(tail) or _OTHERS & set(words):
        return None
    return Quantity(value, unit=unit, rest=tail)


def spelled_number(text: str) -> Quantity | None:
    """The number that the whole text spells in words, with nothing behind it."""
    words = text.casefold().replace("-", " ").split()[:16]
    value = _spelled(words) if set(words) <= _WORDS else None
    return None if value is None else Quantity(Fraction(value))


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
    is_hedged = found is not None and re.search(rf"\b(?:{'|'.join(_SMALL)})\s(?:or|to)\s{found}\b", flat.casefold())
    return None if is_hedged else found
