"""Grading 50,000 answers, against the loop that a script would run: plain equality, else math-verify, in one process.

60% choice, 15% yes/no and numbers, 10% short text, 15% formulas; two thirds right, in the ways that models write.
Both sides grade the same chunk in turn, so that a busy machine slows both down. ``agreement_...``: the share of
equal verdicts where math-verify reads both sides; what differs is printed (it reads "27 people" as a product).
"""

import json
import logging
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable

from math_verify import parse, verify

from core.domain.answers import AnswerType, ModelText, grade_many

ANSWERS, CHUNK = int(os.environ.get("GRADING_ANSWERS", "50000")), 2500
SHARES = {
    AnswerType.CHOICE: 60,
    AnswerType.YES_NO: 7.5,
    AnswerType.NUMBER: 7.5,
    AnswerType.TEXT: 10,
    AnswerType.MATH: 15,
}
BOX = re.compile(r"\\boxed\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
NOUNS = ("bus", "red bus", "dog", "traffic light", "tennis racket", "Main Street", "stop sign", "kite", "two men")
UNITS = ("", "", " cm", "\\%", " people", "\\text{ cm}", " degrees")
COLOURS = ("Red", "Blue", "Green", "Yellow", "Dark red", "Black", "White", "Orange")
WRAPS = (  # as models answer when a box is asked for; the last three forget it
    *["\\boxed{%s}"] * 6,
    *["Let me look at the picture. The left part shows what is asked for.\n\nSo the answer is \\boxed{%s}."] * 6,
    "**Answer:** \\boxed{%s}",
    "The answer is %s.",
    "I compared all parts of the picture.\nAnswer: %s",
    "%s",
)


def make_answers(seed: int) -> list[ModelText]:
    """The answers, the same for the same seed."""
    rng = random.Random(seed)
    makers: dict[AnswerType, Callable[[random.Random], ModelText]] = {
        AnswerType.CHOICE: choice,
        AnswerType.YES_NO: yes_no,
        AnswerType.NUMBER: number,
        AnswerType.TEXT: text,
        AnswerType.MATH: formula,
    }
    kinds = rng.choices(list(SHARES), list(SHARES.values()), k=ANSWERS)
    return [makers[kind](rng) for kind in kinds]


def wrapped(rng: random.Random, answer: str) -> str:
    """The answer as a model gives it."""
    return rng.choice(WRAPS) % answer


def choice(rng: random.Random) -> ModelText:
    """A letter, sometimes with its option's words."""
    options = dict(zip("ABCD", rng.sample(COLOURS, 4), strict=True))
    gold = rng.choice("ABCD")
    said = gold if rng.random() < 0.66 else rng.choice("ABCD")
    form = rng.choice(("%s", "%s", "%s", "(%s)", "\\text{%s}", "%s. " + options[said]))
    return ModelText(wrapped(rng, form % said), gold, AnswerType.CHOICE, options)


def yes_no(rng: random.Random) -> ModelText:
    """Yes or no in capitals or not."""
    gold = rng.choice(("Yes", "No"))
    said = gold if rng.random() < 0.66 else "No"
    return ModelText(wrapped(rng, rng.choice((said, said.lower()))), gold, AnswerType.YES_NO)


def number(rng: random.Random) -> ModelText:
    """Whole numbers and decimals, with thousands commas and units."""
    value = rng.choice((rng.randint(0, 30), rng.randint(1000, 99_999), round(rng.uniform(0, 99), 1)))
    said = value if rng.random() < 0.66 else value + rng.choice((1, -1, 10))
    form = rng.choice((f"{said}", f"{said:,}", f"{said}"))
    return ModelText(wrapped(rng, form + rng.choice(UNITS)), str(value), AnswerType.NUMBER)


def text(rng: random.Random) -> ModelText:
    """A noun, sometimes with its article."""
    gold = rng.choice(NOUNS)
    said = gold if rng.random() < 0.66 else rng.choice(NOUNS)
    return ModelText(wrapped(rng, rng.choice(("%s", "%s", "the %s", "\\text{%s}")) % said), gold, AnswerType.TEXT)


def formula(rng: random.Random) -> ModelText:
    """A formula: as the gold answer is written, written otherwise, or wrong."""
    a, b, c = rng.randint(2, 99), rng.randint(2, 40), rng.randint(2, 9)
    gold, other, wrong = rng.choice(
        (
            (f"\\frac{{{a}}}{{{b}}}", f"\\dfrac{{{a}}}{{{b}}}", f"\\frac{{{a + 1}}}{{{b}}}"),
            (f"{c}\\sqrt{{{b}}}", f"\\sqrt{{{c * c * b}}}", f"{c}\\sqrt{{{b + 1}}}"),
            (f"{a}\\pi", f"{a} \\pi", f"{2 * a}\\pi"),
            (f"x^2+{a + b}x+{a * b}", f"(x+{a})(x+{b})", f"(x+{a})(x-{b})"),
            (f"({a},{b})", f"({a}, {b})", f"({b},{a})"),
            (f"y={c}x+{a}", f"{c}x+{a}", f"y={c}x-{a}"),
            (f"\\{{{a},{a + b}\\}}", f"\\{{{a + b},{a}\\}}", f"\\{{{a},{b}\\}}" if a + b != b else "\\{1\\}"),
            (f"{a}", f"x={a}", f"{a + 1}"),
            (f"{a}.{c}", f"\\frac{{{a * 10 + c}}}{{10}}", f"{c}.{a}"),
            (f"e^{{{a}x}}", f"\\exp({a}x)", f"e^{{{b}x}}+1"),
        )
    )
    said = rng.choices((gold, other, wrong), (45, 20, 35))[0]
    dollars = rng.choice(("\\boxed{%s}", "\\boxed{%s}", "Simplifying both sides gives $\\boxed{%s}$", "So it is $%s$."))
    return ModelText(dollars % said, gold, AnswerType.MATH)


def graded_plainly(one: ModelText) -> tuple[bool, bool]:
    """What a script says: the box or the text equal to the gold answer, else math-verify; and whether that decided."""
    boxes = BOX.findall(one.text)
    if (boxes[-1] if boxes else one.text).strip() == one.gold:
        return True, True
    said, gold = parse(one.text), parse(f"\\boxed{{{one.gold}}}")
    return bool(verify(gold, said)), bool(said and gold)


def agreement(kind: AnswerType, differences: Counter[str], compared: int) -> float:
    """The share of equal verdicts on one type of answer."""
    return round(1 - sum(n for what, n in differences.items() if what.startswith(f"{kind}:")) / compared, 4)


def main() -> None:
    """Grade chunk by chunk, first one way, then the other."""
    logging.disable(logging.WARNING)
    answers = make_answers(7)
    grade_many([ModelText("\\boxed{x+1}", "1+x", AnswerType.MATH)] * 2)
    seconds, differences, compared = [0.0, 0.0], Counter[str](), Counter[AnswerType]()
    lost = 0
    for start in range(0, len(answers), CHUNK):
        chunk = answers[start : start + CHUNK]
        begun = time.perf_counter()
        plainly = [graded_plainly(one) for one in chunk]
        middle = time.perf_counter()
        ours = [graded.lenient.is_correct for graded in grade_many(chunk)]
        seconds = [seconds[0] + middle - begun, seconds[1] + time.perf_counter() - middle]
        for one, (correct, decided), mine in zip(chunk, plainly, ours, strict=True):
            lost += correct and not mine
            if decided and one.answer_type in (AnswerType.NUMBER, AnswerType.MATH):
                compared[one.answer_type] += 1
                if correct != mine:
                    differences[f"{one.answer_type}: gold {one.gold!r}, text {one.text[-40:]!r}: ours {mine}"] += 1
    print(*list(differences)[:20], sep="\n")
    print(f"plain {seconds[0]:.1f} s, ours {seconds[1]:.1f} s, load {os.getloadavg()[0]:.1f}")
    figures = {"answers": len(answers), "speedup": round(seconds[0] / seconds[1], 2), "right_for_it_wrong_for_us": lost}
    print(json.dumps(figures | {f"agreement_{kind}": agreement(kind, differences, n) for kind, n in compared.items()}))


if __name__ == "__main__":
    main()
