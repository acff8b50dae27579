r"""Mathematics: LaTeX and formulas as people write them, compared cheaply where that decides, else by math-verify.

Equal writing and plain numbers are decided here. The rest goes to processes of ``answer_verifier``, which are ended
when an expression takes too long: nothing that a model writes can hold up or crash the process that grades.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, chain
from typing import Final

from core.domain.answer_text import lines, normal, trimmed
from core.domain.answer_units import Unit, leading_unit, ratio
from core.domain.answer_value import are_far_apart
from core.domain.answer_verifier import Word, compare
from core.domain.numbers import Quantity, read_number, same_number

MAX_MATH_CHARS: Final = 500
MAX_MATH_DEPTH: Final = 20

_SPANS: Final = re.compile(r"\$\$?([^$]{1,2000})\$|\\\((.{1,2000}?)\\\)|\\\[(.{1,2000}?)\\\]", re.DOTALL)
_ANNOUNCED: Final = re.compile(
    r"\b(?:answer|solution|result|value)\b[^.:=\n]{0,40}?(?:\bis\b|\bare\b|:|=)", re.IGNORECASE
)
_END: Final = re.compile(r"[.?](?=\s|$)|[,;]?\s(?:because|since|as it)\b", re.IGNORECASE)
_COPULA: Final = re.compile(r"\s(?:is|are|equals|be)\s(?:at\s|about\s|equal to\s)?|:\s", re.IGNORECASE)
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
_WORD: Final = re.compile(r"[^\W\d_]{3}")
_ESCAPED: Final = re.compile(r"\\[{}]")
_UNIT: Final = re.compile(r"\\(?:text|mathrm)\{\s*([a-zA-Z/]+)\s*\}(\^\{?[23]\}?)?$")
_COLLECTION: Final = re.compile(r"(\(|\[|\\\{|)([-+0-9.,/]+)(\)|\]|\\\}|)")
_ASSIGNED: Final = re.compile(r"([a-zA-Z])=(?!.*=)")
_LEFT_EDGES: Final = ' \t\r\n"`*'
_RIGHT_EDGES: Final = ' \t\r\n"`*.,;:'
_COMMAND_GAP: Final = re.compile(r"(\\[a-zA-Z]+) +(?![a-zA-Z])")
_GAP: Final = re.compile(r"(?<=[0-9])\s+(?![0-9])|(?<=[a-zA-Z])\s+(?![a-zA-Z])|(?<![a-zA-Z0-9])\s+")


@lru_cache(maxsize=512)  # every rule asks for it
def math_form(text: str) -> str:
    """One way to write what may be written in several: no dollar signs or spaces, LaTeX for Unicode signs."""
    text = _POWER.sub(lambda m: "^{" + m.group().translate(_POWERS) + "}", trimmed_math(text) or "")
    text = _DRESS.sub(lambda m: _REPLACED[m.group()], text)
    text = _INFINITY.sub(r"\\infty ", _ROOT.sub(lambda m: f"\\sqrt{{{m[1] or m[2]}}}", text))
    text = _FUNCTION.sub(r"\\\1 ", text)
    text = text.replace("$", "").removeprefix("\\(").removesuffix("\\)").removeprefix("\\[").removesuffix("\\]")
    return _GAP.sub("", _COMMAND_GAP.sub(r"\1 ", text.strip())).strip()


def whole_math(answer: str) -> str | None:
    """A whole answer as written, or None when nothing in it is mathematics."""
    return trimmed_math(answer) if math_form(answer) else None


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
    for rule in _RULES:
        known = rule(answer, gold)
        if known is not None:
            return Word.of(known)
    low, high = sorted((math_form(answer), math_form(gold)))
    return low, high


# Rules from the surest to the least sure; each says whether two formulas are equal, or None when it cannot tell.


def _same_writing(a: str, b: str) -> bool | None:
    first, second = math_form(a), math_form(b)
    return bool(first) if first == second else None


def _same_numbers(a: str, b: str) -> bool | None:
    """Both plain numbers, but not x=5 and y=5."""
    left, right = _plain_number(a), _plain_number(b)
    if left is None or right is None or len(_names(a, b)) > 1:
        return None
    return _same_exactly(left, right)


def _same_words(a: str, b: str) -> bool | None:
    is_language = _is_words(math_form(a)) or _is_words(math_form(b))
    return normal(a) == normal(b) != "" if is_language else None


def _other_unit(a: str, b: str) -> bool | None:
    """A verifier looks at no unit, and a box in a formula would make it look elsewhere."""
    first, second = math_form(a), math_form(b)
    return False if "\\boxed" in first + second or ratio(_unit(first), _unit(second)) != 1 else None


def _same_parts(a: str, b: str) -> bool | None:
    """Points, intervals or sets of numbers, both of the same kind."""
    left, right = _COLLECTION.fullmatch(math_form(a)), _COLLECTION.fullmatch(math_form(b))
    if left is None or right is None or (left[1], left[3]) != (right[1], right[3]):
        return None
    parts = [[_plain_number(part) for part in match[2].split(",")] for match in (left, right)]
    if any(part is None or part.percent or part.unit for part in chain(*parts)):
        return None
    values = [[round(part.value, 6) for part in side if part] for side in parts]
    is_set = left[1] in ("\\{", "")
    return set(values[0]) == set(values[1]) if is_set else values[0] == values[1]


def _same_values(a: str, b: str) -> bool | None:
    """The same right sides are equal, and what is far apart at one point is not."""
    first, second = math_form(a), math_form(b)
    names = _names(a, b)
    if len(names) == 1:
        first, second = (_ASSIGNED.sub("", form) for form in (first, second))
        if names & set(first + second):
            return None
    if first == second:
        return True
    return False if are_far_apart(first, second) else None


def _names(a: str, b: str) -> set[str]:
    """The letters that are set: y in "y=2x+1"."""
    return {match[1] for text in (a, b) if (match := _ASSIGNED.match(math_form(text)))}


_RULES: Final = (_same_writing, _same_numbers, _same_words, _other_unit, _same_parts, _same_values)


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
    return bool(_WORDS.fullmatch(bare)) and ("\\text" in form or bool(_WORD.search(bare)))


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
    bare = text.lstrip(_LEFT_EDGES).rstrip(_RIGHT_EDGES)
    return bare if trimmed(bare) else None
