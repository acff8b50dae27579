"""Which files of this machine an import may read: those under IMPORT_ROOTS, after every link was followed."""

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from core.errors import InvalidInput


def import_path(value: str | Path, *, field: str = "path", more_roots: Sequence[Path] = ()) -> Path:
    """The existing path that ``value`` means, links followed; a relative one starts at the first import folder.

    InvalidInput names ``field`` when it lies outside IMPORT_ROOTS and ``more_roots``, or does not exist.
    """
    roots = [Path(root).resolve() for root in (*settings.IMPORT_ROOTS, *more_roots)]
    if not str(value).strip() or "\0" in str(value):
        raise InvalidInput(f"{field}: give a path.", field=field)
    path = _resolved(roots[0] / value, field)
    if not any(path.is_relative_to(root) for root in roots):
        allowed = ", ".join(str(root) for root in settings.IMPORT_ROOTS)
        raise InvalidInput(f"{field}: {value} is outside the import folders ({allowed}).", field=field)
    if not path.exists():
        raise InvalidInput(f"{field}: there is no {value}.", field=field)
    return path


def _resolved(path: Path, field: str) -> Path:
    """The path with every link followed; a name too long and a loop of links are the giver's fault, not a bug."""
    try:
        path.stat()
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{field}: {path} cannot be read.", field=field) from error
    return path.resolve()
