"""Several voices on one answer: when they settle it, and how far two of them agree."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.domain.answers import Outcome
from diagnostics.domain.intervals import Interval, wilson

Pair = tuple[str, str]
Z_95 = 1.959964


def settle(rule: Outcome, words: Sequence[Outcome]) -> Outcome | None:
    """What the judges' ``words`` make of an answer, in the order of asking; None while they need another voice.

    The first judge that speaks settles it where the rule says the same; else two judges must say the same. The rule
    never outvotes a judge. Who did not score has said nothing.
    """
    said = [word for word in words if word != Outcome.UNSCORED]
    if len(said) == 1 and said[0] == rule:
        return rule
    agreed = [word for word, times in Counter(said).items() if times > 1]
    return agreed[0] if agreed else None


def quote_stands(quote: str, text: str) -> bool:
    """Whether ``quote`` is a passage of ``text``, whatever the spaces; nothing is a passage of nothing alone."""
    bare, whole = " ".join(quote.split()), " ".join(text.split())
    return bare in whole if bare else not whole


@dataclass(frozen=True)
class Kappa:
    """Cohen's agreement beyond chance over ``n`` answers, with a 95% interval; None where chance alone explains all."""

    n: int
    agreement: float
    value: float | None
    low: float | None
    high: float | None


def kappa_of(pairs: Iterable[Pair]) -> Kappa:
    """How far two voices agree on the answers that both scored; the interval is the large-sample one."""
    both = [pair for pair in pairs if Outcome.UNSCORED not in pair]
    n = len(both)
    if not n:
        return Kappa(0, 0.0, None, None, None)
    same = sum(a == b for a, b in both) / n
    first, second = Counter(a for a, _ in both), Counter(b for _, b in both)
    chance = sum(first[word] * second[word] for word in first) / n**2
    if chance >= 1:
        return Kappa(n, same, None, None, None)
    value = (same - chance) / (1 - chance)
    reach = Z_95 * math.sqrt(same * (1 - same) / n) / (1 - chance)
    return Kappa(n, same, value, max(-1.0, value - reach), min(1.0, value + reach))


@dataclass(frozen=True)
class Share:
    """``k`` of ``n``, with Wilson's 95% interval."""

    k: int
    n: int
    interval: Interval

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.k / self.n if self.n else None


@dataclass(frozen=True)
class LabelQuality:
    """How far one label of the judge can be trusted, by what people said of the same answers."""

    label: str
    precision: Share
    recall: Share

    @property
    def shares(self) -> tuple[tuple[str, Share], ...]:
        """Both by name, as a table shows them."""
        return ("precision", self.precision), ("recall", self.recall)


def label_qualities(pairs: Iterable[Pair]) -> list[LabelQuality]:
    """Precision and recall of every label in (judge's word, person's word), by name."""
    told = list(pairs)
    both = Counter(judge for judge, person in told if judge == person)
    judges, people = Counter(judge for judge, _ in told), Counter(person for _, person in told)
    names = sorted({*judges, *people})
    return [LabelQuality(one, share(both[one], judges[one]), share(both[one], people[one])) for one in names]


def share(k: int, n: int) -> Share:
    """``k`` of ``n`` with its interval."""
    return Share(k, n, wilson(k, n))
