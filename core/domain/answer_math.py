r"""Mathematics: LaTeX and formulas as people write them, compared cheaply where that decides, else by math-verify.

Equal writing and plain numbers are decided here. The rest goes to processes of ``answer_verifier``, which are ended
when an expression takes too long: nothing that a model writes can hold up or crash the process that grades.
"""

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from core.domain.answer_text import lines, normal, trimmed
from core.domain.answer_units import Unit, leading_unit, ratio
from core.domain.answer_verifier import Word, compare
from core.domain.numbers import Quantity, read_number, same_number

MAX_MATH_CHARS: Final = 500
MAX_MATH_DEPTH: Final = 20

_SPANS: Final = re.compile(r"\$\$?([^$]{1,2000})\$|\\\((.{1,2000}?)\\\)|\\\[(.{1,2000}?)\\\]", re.DOTALL)
_ANNOUNCED: Final = re.compile(
    r"\b(?:answer|solution|result|value)\b[^.:=\n]{0,40}?(?:\bis\b|\bare\b|:|=)", re.IGNORECASE
)
_END: Final = re.compile(r"[.?](?=\s|$)|[,;]?\s(?:because|since|as it)\b", re.IGNORECASE)
_COPULA: Final = re.compile(r"\s(?:is|are|equals|be)\s|:\s", re.IGNORECASE)
_REPLACED: Final = {
    "\u2212": "-", "\u2013": "-", "\u00b7": "\\cdot ", "\u00d7": "\\times ", "\u03c0": "\\pi ", "\u221e": "\\infty ",
    "\u2264": "\\leq ", "\u2265": "\\geq ", "\u00b1": "\\pm ", "\u00b0": "^\\circ", "\u2208": "\\in ",
    "\u222a": "\\cup ", "\\dfrac": "\\frac", "\\tfrac": "\\frac", "\\left": "", "\\right": "", "\\displaystyle": "",
    "\\!": "", "\\,": "", "\\;": "", "\\:": "", "{,}": ",", "**": "^", "\\%": "%", "\\$": "",
}  # fmt: skip
_DRESS: Final = re.compile(
    r"\\left(?![a-z])|\\right(?![a-z])|"
    + "|".join(re.escape(key) for key in sorted(_REPLACED, key=len, reverse=True) if key not in ("\\left", "\\right"))
)
_POWERS: Final = str.maketrans("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079", "0123456789")
_POWER: Final = re.compile("[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+")
_ROOT: Final = re.compile(r"(?:\u221a|(?<![\\a-z])sqrt)\s*(?:\(([^()]*)\)|([0-9a-z]))")
_FUNCTION: Final = re.compile(r"(?<![\\a-zA-Z])(sin|cos|tan|log|ln|exp|pi|infty)(?![a-zA-Z])")
_INFINITY: Final = re.compile(r"(?<![\\a-zA-Z])(?:infinity|inf|oo)(?![a-zA-Z])", re.IGNORECASE)
_TEXT: Final = re.compile(r"\\(?:text|mathrm|textbf|mathbf|operatorname|mbox)\s?\{([^{}]*)\}")
_WORDS: Final = re.compile(r"[^\W\d_][^\W\d_ '-]*(?:[ '-][^\W\d_]+)*")
_ESCAPED: Final = re.compile(r"\\[{}]")
_UNIT: Final = re.compile(r"\\(?:text|mathrm)\{\s*([a-zA-Z/]+)\s*\}(\^\{?[23]\}?)?$")
_COMMAND_GAP: Final = re.compile(r"(\\[a-zA-Z]+) +(?![a-zA-Z])")
_GAP: Final = re.compile(r"(?<![a-zA-Z])\s+|\s+(?![a-zA-Z])")


def math_form(text: str) -> str:
    """One way to write what may be written in several: no dollar signs or spaces, LaTeX for Unicode signs."""
    text = _POWER.sub(lambda m: "^{" + m.group().translate(_POWERS) + "}", trimmed_math(text) or "")
    text = _DRESS.sub(lambda m: _REPLACED[m.group()], text)
    text = _INFINITY.sub(r"\\infty ", _ROOT.sub(lambda m: f"\\sqrt{{{m[1] or m[2]}}}", text))
    text = _FUNCTION.sub(r"\\\1 ", text)
    text = text.replace("$", "").removeprefix("\\(").removesuffix("\\)").removeprefix("\\[").removesuffix("\\]")
    return _GAP.sub("", _COMMAND_GAP.sub(r"\1 ", text.strip())).strip()


def math_fault(text: str) -> str | None:
    """Why nobody should read this as mathematics: too_long, too_deep or not_math (braces that do not match)."""
    if len(text) > MAX_MATH_CHARS:
        return "too_long"
    depths = [0, *accumulate((sign in "{(") - (sign in "})") for sign in text)]
    if max(depths) > MAX_MATH_DEPTH:
        return "too_deep"
    braces = [0, *accumulate((sign == "{") - (sign == "}") for sign in _ESCAPED.sub("", text))]
    return "not_math" if min(braces) < 0 or braces[-1] else None


def compare_math(answer: str, gold: str) -> Word:
    """Whether two expressions are equal, or which limit the first one broke; the sides may be swapped."""
    ready = decide_math(answer, gold)
    return ready if isinstance(ready, Word) else compare([ready])[0]


def is_too_hard(gold: str) -> bool:
    """Whether a gold answer brings the verifier down by itself: then no text can be blamed."""
    form = math_form(gold)
    return compare([(form, form)])[0] not in (Word.EQUAL, Word.DIFFERENT)


def decide_math(answer: str, gold: str) -> Word | tuple[str, str]:
    """The answer where writing or numbers decide, else the pair that only a verifier can compare."""
    for text in (answer, gold):
        if fault := math_fault(text):
            return Word(fault)
    first, second = math_form(answer), math_form(gold)
    if first == second:
        return Word.EQUAL if first else Word.DIFFERENT
    numbers = _plain_number(answer), _plain_number(gold)
    if numbers[0] is not None and numbers[1] is not None:
        return Word.of(_same_exactly(numbers[0], numbers[1]))
    if _is_words(first) or _is_words(second):
        return Word.of(normal(answer) == normal(gold) != "")
    if "\\boxed" in first + second or ratio(_unit(first), _unit(second)) != 1:
        return Word.DIFFERENT
    low, high = sorted((first, second))
    return low, high


def _plain_number(text: str) -> Quantity | None:
    number = read_number(text) if "!" not in text else None
    return number if number is not None and number.tolerance is None and not number.rest else None


def _same_exactly(a: Quantity, b: Quantity) -> bool:
    """As numbers, but up to six decimals instead of a relative tolerance: mathematics is exact."""
    return same_number(a, b) and (a.percent != b.percent or round(a.value, 6) == round(b.value, 6) or _converted(a, b))


def _converted(a: Quantity, b: Quantity) -> bool:
    return a.unit is not None and b.unit is not None and a.unit != b.unit


def _unit(form: str) -> Unit | None:
    """The known unit at the end of an expression, which a verifier would not look at."""
    match = _UNIT.search(form)
    return leading_unit(match[1].casefold() + (match[2] or ""))[0] if match else None


def _is_words(form: str) -> bool:
    """Whether this is language ("no solution") and no product of letters."""
    bare = _TEXT.sub(r"\1", form).strip()
    return bool(_WORDS.fullmatch(bare)) and (len(bare) > 2 or "\\text" in form)


def find_math(text: str) -> str | None:
    """The expression that a text announces, else the last formula, else what the last line says."""
    shown = text.replace("**", "")
    for match in [*_ANNOUNCED.finditer(shown)][::-1][:20]:
        clause = shown[match.end() : match.end() + 300].strip().partition("\n")[0]
        if found := _in_clause(clause):
            return found
    spans = _spans(shown)
    if spans:
        return spans[-1]
    last = _statement((lines(shown) or [""])[-1])
    return trimmed_math(_COPULA.split(last)[-1])


def _in_clause(clause: str) -> str | None:
    spans = _spans(clause)
    return spans[0] if spans else trimmed_math(_statement(clause))


def _statement(clause: str) -> str:
    """The clause up to its full stop or reason; an exclamation mark may be a factorial."""
    return _END.split(clause, maxsplit=1)[0]


def _spans(text: str) -> Sequence[str]:
    return [found for match in _SPANS.finditer(text) if (found := next(filter(None, match.groups())).strip())]


def trimmed_math(text: str) -> str | None:
    """The text without quotes and points around it, or None when nothing else is there."""
    bare = text.strip().strip("\"'`*").rstrip(".,;:").strip()
    return bare if trimmed(bare) else None
