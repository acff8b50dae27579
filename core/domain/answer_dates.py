"""Dates and times as people write them. What could be two days (03/05/2024) is left to be compared as text."""

import re
from dataclasses import dataclass
from typing import Final

_MONTHS: Final = (
    *("jan january", "feb february", "mar march", "apr april", "may", "jun june"),
    *("jul july", "aug august", "sep sept september", "oct october", "nov november", "dec december"),
)
_MONTH_OF: Final = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_MONTH: Final = rf"(?P<month>{'|'.join(sorted(_MONTH_OF, key=len, reverse=True))})\.?"
_DAY: Final = r"(?P<day>[0-3]?[0-9])(?:st|nd|rd|th)?"
_YEAR: Final = r"(?P<year>[12][0-9]{3})"
_WEEKDAY: Final = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?(?:the )?"
_DATES: Final = [
    re.compile(pattern)
    for pattern in (
        rf"{_WEEKDAY}{_DAY} (?:of )?{_MONTH}(?:,? {_YEAR})?",
        rf"{_WEEKDAY}{_MONTH} {_DAY}(?:,? {_YEAR})?",
        rf"{_MONTH},? {_YEAR}",
        rf"{_YEAR}[-/.](?P<number>[01]?[0-9])[-/.]{_DAY}",
        rf"{_DAY}[-/.](?P<number>[01]?[0-9])[-/.]{_YEAR}",
        rf"(?P<number>[01]?[0-9])[-/.]{_DAY}[-/.]{_YEAR}",
    )
]
_TIME: Final = re.compile(
    r"(?:at )?(?P<hour>[0-2]?[0-9])(?::(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))?)?"
    r"\s?(?P<half>[ap])?(?(half)\.?m\.?)(?: ?o'?clock| ?hours?| ?h)?"
)


@dataclass(frozen=True)
class Moment:
    """A date (year 0 or day 0 where not said) or a time of the day; ``half`` is a, p or empty."""

    fields: tuple[int, ...]
    half: str = ""


def read_moment(text: str) -> Moment | None:
    """The date or time that the whole (case folded) text is, where it can mean only one."""
    if len(text) > 40:
        return None
    found = {date for pattern in _DATES if (match := pattern.fullmatch(text)) and (date := _date(match))}
    if len(found) == 1:
        return found.pop()
    return None if found else _time(text)


def same_moment(a: Moment, b: Moment) -> bool:
    """Equal; a time without a.m. and p.m. may be either of them as well as the 24-hour one."""
    if a == b or (a.half == "") == (b.half == ""):
        return a == b
    return a.fields == b.fields or _on_24(a) == _on_24(b)


def _date(match: re.Match[str]) -> Moment | None:
    parts = match.groupdict()
    month = _MONTH_OF[parts["month"]] if parts.get("month") else int(parts["number"])
    day, year = (int(parts.get(name) or 0) for name in ("day", "year"))
    return Moment((year, month, day)) if 1 <= month <= 12 and day <= 31 and (day or parts.get("day") is None) else None


def _time(text: str) -> Moment | None:
    match = _TIME.fullmatch(text)
    if match is None or (not match["minute"] and not match["half"] and "clock" not in text):
        return None
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    if hour > 24 or (match["half"] and not 1 <= hour <= 12):
        return None
    return Moment((hour, minute, second, 0), match["half"] or "")


def _on_24(time: Moment) -> tuple[int, ...]:
    hour = time.fields[0]
    if time.half:
        hour = hour % 12 + (12 if time.half == "p" else 0)
    return (hour, *time.fields[1:])
