"""How a check becomes a line of the table, also when it cannot be carried out."""

import gc
from collections.abc import Callable, Iterable, Sequence

import torch

from core.check_specs import CheckLine
from gpu.errors import GpuFault, named_error

SHOWN = 3
DATA_CHANGE = "Build the dataset again, or take another one."


def line(name: str, found: str, *, fails: bool = False, warns: bool = False, change: str = "") -> CheckLine:
    """One line; ``change`` is said only where something is not well."""
    status = "fail" if fails else "warn" if warns else "ok"
    return CheckLine.model_validate(
        {"name": name, "status": status, "found": found, "change": change if fails or warns else ""}
    )


def looked(name: str, look: Callable[[], Iterable[CheckLine]], change: str = "") -> list[CheckLine]:
    """The lines of a look; a named error becomes a line that fails, and any other one is a bug."""
    try:
        return list(look())
    except Exception as error:
        named = named_error(error)
        if named is None:
            raise
        said = error.message if isinstance(error, GpuFault) else named.message
        advice = change or named.message.removeprefix(said).strip() or "Mend what is named, then check again."
        return [line(name, said, fails=True, change=advice)]
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def some(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
