"""Multiple choice: which option a text means, by its letter or by its words."""

import re
from collections.abc import Mapping

from core.domain.answer_text import lines, normal, plain, statement

Options = Mapping[str, str]
MAX_LINES = 50

_WRAP = r"[\s().\[\]:,;*\"'`]*"
_LETTER_ONLY = re.compile(rf"{_WRAP}(?:(?:option|choice|answer)\s)?{_WRAP}([a-z]){_WRAP}", re.IGNORECASE)
_LETTER_TEXT = re.compile(r"[(\[]?([a-z])(?:[)\].:,]|\s-)+\s?(.+)", re.IGNORECASE)
_LEADING = re.compile(r"[(\[\"'* ]{0,4}(?:option |choice )?[(\[]?(?:([A-Z])(?![\w'+])|([a-z])(?=[)\].:,]|$))")
_HEDGE = re.compile(r"[)\]\s.:\"*']{0,4}(?:or|and|/|&)(?!\w)")
_LISTED = re.compile(r"[,;/]\s{0,2}(?:(?:or|and)\s)?\(?[A-HJ-Z](?:[).:]|(?=\s{0,2}(?:[,;.]|$|or\b|and\b)))")
_MARKED = re.compile(r"(?<![\w'])\(?([A-HJ-Z])[).:](?=\s|$)")
_NOT = "".join(f"(?<!{no}{article} )" for no in ("not", "n't") for article in ("", " a", " an", " the"))
_BARE = re.compile(
    r"(?<!not )(?<!n't )(?<!not \()(?:\(([A-Za-z])\)|(?<![\w'])(?:(?i:option|choice)\s\(?([A-Za-z])(?![\w'])"
    r"|([B-HJ-Z])(?![\w'])|([A-Z])(?=\s(?:is\s(?:correct|right|true)|or|and|/)\b|\s?[,/]\s?[A-Z](?!\w))))"
)


def present_options(options: Options | None) -> dict[str, str]:
    """The options that have a text, by upper-case letter."""
    return {letter.strip().upper(): text for letter, text in (options or {}).items() if text.strip()}


def _is_option(letter: str, options: Options | None) -> bool:
    return letter in present_options(options) if options else letter.isascii()


def option_letter(answer: str, options: Options | None) -> str | None:
    """The option letter that the whole answer is: "B", "(b)", "B.", "option B"."""
    match = _LETTER_ONLY.fullmatch(plain(answer)[:40])
    letter = match[1].upper() if match else ""
    return letter if letter and _is_option(letter, options) else None


def whole_choice(answer: str, options: Options | None) -> str | None:
    """A letter, an option's text, or a letter with its own option's text."""
    letter = option_letter(answer, options)
    if letter:
        return letter
    by_text = _letters_by_text(options)
    if normal(answer) in by_text:
        return by_text[normal(answer)]
    match = _LETTER_TEXT.fullmatch(" ".join(plain(answer).split()))
    if match is None or not _is_option(match[1].upper(), options):
        return None
    return match[1].upper() if not options or by_text.get(normal(match[2])) == match[1].upper() else None


def _letters_by_text(options: Options | None) -> dict[str, str]:
    """The letter of every option text that only one option has."""
    texts = [(normal(text), letter) for letter, text in present_options(options).items()]
    counts = [text for text, _ in texts]
    return {text: letter for text, letter in texts if text and counts.count(text) == 1}


def choice_in_clause(clause: str, options: Options | None) -> str | None:
    """ "B", "B. Blue", "Blue, because ..." at the start of a clause; not "A or B"."""
    if len(set(_MARKED.findall(clause))) > 1:
        return None  # A. Red, B. Blue
    whole = whole_choice(statement(clause), options)
    if whole is not None:
        return whole
    start, by_text = normal(clause), _letters_by_text(options)
    named = max((t for t in by_text if len(t) > 1 and re.match(re.escape(t) + r"(?!\w)", start)), key=len, default="")
    if named:
        return None if _HEDGE.match(start, len(named)) or _LISTED.search(clause) else by_text[named]
    match = _LEADING.match(clause)
    if match is None or _is_hedged(clause, match.end()):
        return None
    letter = (match[1] or match[2]).upper()
    return letter if _is_option(letter, options) else None


def _is_hedged(clause: str, end: int) -> bool:
    """Whether another option is offered behind the first: "A or B", "A, B", "A. Red, B. Blue"."""
    return bool(_HEDGE.match(clause, end) or _LISTED.search(clause, end))


def choice_in_prose(text: str, options: Options | None) -> str | None:
    """The line that is an option (of several the last, if it repeats one), the only option or letter that is named."""
    shown = lines(text)
    wholes = [whole for line in shown[-MAX_LINES:] if (whole := whole_choice(line, options))]
    if wholes and (len(set(wholes)) == 1 or wholes.count(wholes[-1]) > 1):
        return wholes[-1]
    starts = {m[1].upper() for line in shown if (m := _LETTER_TEXT.match(line)) and not _LISTED.search(line, m.end(1))}
    bare = {next(filter(None, match.groups())).upper() for match in _BARE.finditer(text)}
    for letters in (starts, _named_options(text, options), bare):
        known = [letter for letter in letters if _is_option(letter, options)]
        if len(known) == 1:
            return known[0]
    return None


def _named_options(text: str, options: Options | None) -> set[str]:
    """Options whose text stands in the prose, longest first, so that "light blue" does not name "blue"."""
    prose = normal(text)
    by_text = _letters_by_text(options)
    named = set()
    for option in sorted(by_text, key=len, reverse=True):
        prose, hits = re.subn(rf"{_NOT}(?<![\w.]){re.escape(option)}(?!\w|\.\d)", " ", prose)
        named |= {by_text[option]} if hits else set()
    return named
