"""Text that models write, made plain: the box, the sentences that announce an answer, and LaTeX without its dress.

Everything here is bounded: ``body`` cuts the text to ``MAX_CHARS`` and no pattern backtracks over more than a line.
"""

import re
import unicodedata
from functools import lru_cache

MAX_CHARS = 20_000
MAX_CLAUSE = 300
MAX_CLAUSES = 20

_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-"))
_QUOTES = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2044": "/",
        "\u00d7": "x",
    }
)
_BOX_PARTS = re.compile(r"\\boxed\s{0,3}\{|\\[{}]|[{}]")
_SUPERSCRIPTS = re.compile(r"[\u207a\u207b]?[\u00b2\u00b3\u00b9\u2070\u2074-\u2079]+")
_VULGAR = re.compile(r"[\u00bc-\u00be\u2150-\u215e]")
_TEXT_COMMAND = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|operatorname|mbox|bf|rm)\s?\{([^{}]*)\}"
)
_FRAC = re.compile(r"\\[dt]?frac\s?\{([^{}]*)\}\s?\{([^{}]*)\}")
_SHORT_FRAC = re.compile(r"\\[dt]?frac\s?([0-9])\s?([0-9])")
_DEGREES = re.compile(r"\^?\{?(?:\\circ|\\degree|\u00b0)\}?")
_DROPPED = re.compile(r"\\(?:left|right|displaystyle|quad)\b|\\[!,;:()\[\]]|(?<!\\)\$|\*\*|`|(?<!\w)__|__(?!\w)")
_ANNOUNCED = re.compile(
    r"\b(?:answer|solution|result|choice|option)\b[^.:=\n]{0,40}?(?:\bis\b|\bare\b|\bbe\b|:|=)(?:\s{0,3}[:=])?"
    r"|\u7b54\u6848(?:\u662f|\u4e3a|:|\uff1a)|<answer>",
    re.IGNORECASE,
)
_REASON = re.compile(r"[,;]?\s(?:because|since|as it)\b|</answer>", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_LEFT_EDGE = re.compile(r"^(?:(?!\.\d)[\s.,;:!?\"'()\[\]{}*_])*")
_EDGES = " \t\r\n.,;:!?\"'()[]{}*_"
_ARTICLE = re.compile(r"^(?:(?:an?|the) )+(?=\S)")
_ONE_DOLLAR = re.compile(r"\A([^$\\]*)\$(\s?-?[0-9.][^$]*)\Z")
_OTHER_DIGIT = re.compile(r"(?![0-9])\d")
_BREAK = re.compile(r"[^\S\n]+")


def body(text: str) -> str:
    """What comes after the model's thinking, cut to its last ``MAX_CHARS`` characters."""
    return text.rpartition("</think>")[2][-MAX_CHARS:]


def boxes(text: str) -> list[str]:
    r"""The contents of every well-formed, non-empty ``\boxed{...}``; of nested ones the inner."""
    found: list[str] = []
    open_braces: list[int | None] = []
    for part in _BOX_PARTS.finditer(text):
        token = part.group()
        if token.startswith("\\boxed"):
            open_braces.append(part.end())
        elif token == "{":
            open_braces.append(None)
        elif token == "}" and open_braces:
            start = open_braces.pop()
            content = text[start : part.start()].strip() if start is not None else ""
            found += [content] if content and "\\boxed" not in content else []
    return found


@lru_cache(maxsize=512)  # one grade asks for the same few texts again and again
def plain(text: str) -> str:
    """NFKC text without LaTeX and Markdown dress: ``\\frac{1}{2}`` is 1/2, x\u00b2 is x^2, every dash a hyphen."""
    text = _VULGAR.sub(lambda m: " " + m.group(), text)
    text = _SUPERSCRIPTS.sub(lambda m: "^" + unicodedata.normalize("NFKC", m.group()), text)
    text = _DEGREES.sub(" degrees ", text)
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES).translate(_DASHES)
    text = _OTHER_DIGIT.sub(lambda m: str(unicodedata.decimal(m.group())), text)
    text = text.replace("\\%", "%").replace("{,}", ",").replace("\\times", "x").replace("\\cdot", "x")
    text = text.replace("\\pm", "\u00b1").replace("\\ ", " ").replace("~", " ")
    text = _ONE_DOLLAR.sub(r"\1\$\2", text)
    for _ in range(3):
        text = _TEXT_COMMAND.sub(r"\1", text)
    text = _SHORT_FRAC.sub(r" \1/\2", _FRAC.sub(r" \1/\2", text))
    return _BREAK.sub(" ", _DROPPED.sub("", text).replace("\\$", "$")).strip()


def normal(text: str) -> str:
    """The form in which short answers are compared: plain, case folded, no edges, no leading article."""
    bare = " ".join(plain(text).casefold().split())
    for _ in range(3):  # the "cat"
        bare = _ARTICLE.sub("", trimmed(bare) or bare)
    return bare.lstrip("$") or bare


def trimmed(text: str) -> str:
    """The text without punctuation and brackets around it; the point of ".5" stays."""
    return _LEFT_EDGE.sub("", text, count=1).rstrip(_EDGES)


def announced(text: str) -> list[str]:
    """What follows "the answer is", "Answer:" and the like: one clause each, last first, at most ``MAX_CLAUSES``."""
    starts = [match.end() for match in _ANNOUNCED.finditer(text)][: -MAX_CLAUSES - 1 : -1]
    return [text[start : start + MAX_CLAUSE].strip().partition("\n")[0] for start in starts]


def statement(clause: str) -> str:
    """The clause up to its first full stop or reason: "Blue, because it is cold." gives "Blue"."""
    return _REASON.split(_SENTENCE_END.split(clause, maxsplit=1)[0], maxsplit=1)[0].strip()


def lines(text: str) -> list[str]:
    """The lines that are not empty."""
    return [line.strip() for line in text.splitlines() if line.strip()]
