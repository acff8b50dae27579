"""The command of a GPU child, and the template that starts it elsewhere: what may stand in it, and what it makes."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from string import Formatter

CHILD = "child"
FIELDS = (CHILD, "run_dir", "gpus", "root", "name")
KNOWN = ", ".join(f"{{{name}}}" for name in FIELDS)


def child_words(module: str, folder: str, gpus: int) -> list[str]:
    """One process, or torchrun with one process a GPU."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={gpus}"]
    return [sys.executable, *(torchrun if gpus > 1 else []), "-m", module, folder]


def template_problem(template: str) -> str:
    """What is wrong with a template; empty when nothing is."""
    try:
        parts = [part for word in shlex.split(template) for part in Formatter().parse(word)]
    except ValueError as error:
        return f"cannot be read: {error}"
    used = [(name, spec, change) for _, name, spec, change in parts if name is not None]
    for name, spec, change in used:
        if name not in FIELDS or spec or change:
            return f"knows only the plain fields {KNOWN}, not {name!r}"
    if [name for name, _, _ in used].count(CHILD) != 1:
        return "must hold {child} once"
    return ""


def template_fill(template: str, child: Sequence[str], fields: Mapping[str, str]) -> list[str]:
    """The command's words; no shell reads them here.

    A word that is ``{child}`` alone, in quotation marks or not, becomes the child's words. A word with ``{child}``
    among others is a line for a shell elsewhere (``ssh host 'cd {root} && {child}'``): there every field is quoted.
    """
    words = shlex.split(template)
    quoted = {name: shlex.quote(value) for name, value in fields.items()} | {CHILD: shlex.join(child)}
    filled = (child if word == f"{{{CHILD}}}" else [word_fill(word, fields, quoted)] for word in words)
    return [word for some in filled for word in some]


def word_fill(word: str, fields: Mapping[str, str], quoted: Mapping[str, str]) -> str:
    """One word with its fields."""
    is_line = CHILD in [name for _, name, _, _ in Formatter().parse(word)]
    return word.format(**(quoted if is_line else fields))
