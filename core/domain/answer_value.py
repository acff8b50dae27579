r"""What simple formulas are worth at one point, in plain floats: enough to show that two of them differ.

Numbers, letters, ``+ - * / ^``, brackets, ``\frac``, ``\sqrt`` and ``\pi``; anything else, and all that can be read in
two ways (1/2x, x^10 without braces, f(x), 2\frac{1}{2}), has no value here and is left to a verifier.
"""

import math
import re
from typing import Final

ABSOLUTE: Final = 2e-6  # math-verify rounds to six decimals
RELATIVE: Final = 1e-9

_TOKEN: Final = re.compile(
    r"\s*(\\(?:frac|sqrt|pi|cdot|times)(?![a-zA-Z])|[0-9]+(?:\.[0-9]+)?|\.[0-9]+|[a-zA-Z]|[-+*/^(){}])\s*"
)
_TIMES: Final = frozenset({"*", "\\cdot", "\\times"})
_NO_FACTOR: Final = frozenset({"", "+", "-", ")", "}", "^"})
_TWO_WAYS: Final = re.compile(r"[fgh]\(|[0-9]\s*\\frac")


class _UnclearError(ValueError):
    """The formula is not of the simple kind."""


def are_far_apart(a: str, b: str) -> bool:
    """Whether two formulas certainly differ; False when that is not known."""
    x, y = value(a), value(b)
    return x is not None and y is not None and differ(x, y)


def differ(x: complex, y: complex) -> bool:
    """Whether two values are farther apart than rounding explains."""
    return abs(x - y) > ABSOLUTE + RELATIVE * max(abs(x), abs(y))


def point(name: str) -> float:
    """The number that stands for a variable."""
    return 1.1 + (sum(map(ord, name)) % 97) / 89


def value(form: str) -> float | None:
    """The formula's value with ``point`` for its letters, or None."""
    tokens = _tokens(form)
    if tokens is None or _TWO_WAYS.search(form):
        return None
    reader = _Reader(tokens)
    try:
        found = reader.sum()
    except (_UnclearError, ArithmeticError):
        return None
    is_whole = not reader.next() and isinstance(found, float)
    return found if is_whole and abs(found) < 1e15 else None


def _tokens(form: str) -> list[str] | None:
    tokens, place = [], 0
    while place < len(form):
        match = _TOKEN.match(form, place)
        if match is None:
            return None
        tokens.append(match[1].lower())
        place = match.end()
    return tokens


class _Reader:
    """Reads tokens from left to right: sums of products of powers."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens[::-1]

    def next(self) -> str:
        """The token that comes next, or nothing."""
        return self._tokens[-1] if self._tokens else ""

    def take(self, *wanted: str) -> str:
        """The next token when it is a wanted one (or any, when none is named)."""
        if not self._tokens or (wanted and self._tokens[-1] not in wanted):
            raise _UnclearError
        return self._tokens.pop()

    def sum(self) -> float:
        """Terms with their signs."""
        sign = -1.0 if self.next() in ("+", "-") and self.take() == "-" else 1.0
        total = sign * self._product()
        while self.next() in ("+", "-"):
            sign = -1.0 if self.take() == "-" else 1.0
            total += sign * self._product()
        return total

    def _product(self) -> float:
        """Factors, with or without a sign between; behind a slash only one, for 1/2x can be read in two ways."""
        total, is_divided = self._power(), False
        while self.next() not in _NO_FACTOR:
            if self.next() == "/":
                self.take()
                total, is_divided = total / self._power(), True
            elif self.next() in _TIMES:
                self.take()
                total *= self._power()
            elif is_divided or self.next()[0] in ".0123456789":
                raise _UnclearError
            else:
                total *= self._power()
        return total

    def _power(self) -> float:
        base = self._atom()
        if self.next() != "^":
            return base
        self.take()
        exponent = self._braced() if self.next() == "{" else self._single()
        if self.next() == "^" or (base <= 0 and exponent != int(exponent)):
            raise _UnclearError
        return math.pow(base, exponent)

    def _single(self) -> float:
        if len(self.next()) != 1 or not self.next().isalnum():
            raise _UnclearError
        return self._atom()

    def _atom(self) -> float:
        token = self.take()
        if token == "(":
            inside = self.sum()
            self.take(")")
            return inside
        if token == "\\frac":
            return self._braced() / self._braced()
        if token == "\\sqrt":
            return self._root()
        return self._name_or_number(token)

    def _root(self) -> float:
        inside = self._braced() if self.next() == "{" else self._single()
        if inside < 0:
            raise _UnclearError
        return math.sqrt(inside)

    def _braced(self) -> float:
        self.take("{")
        inside = self.sum()
        self.take("}")
        return inside

    @staticmethod
    def _name_or_number(token: str) -> float:
        if token[0] in ".0123456789":
            return float(token)
        if token == "i" or (not token.isalpha() and token != "\\pi"):
            raise _UnclearError
        return {"\\pi": math.pi, "e": math.e}.get(token, point(token))
