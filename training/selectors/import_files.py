"""What lies under the import folders and could be imported: looked for a little, never through links."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from datagen.pool_lines import LIST_FILE

MAX_DEPTH = 3
MAX_FOUND = 500
MAX_LOOKED = 5000


@dataclass(frozen=True)
class ImportFiles:
    """Paths as an import takes them; ``is_cut`` when there are more than can be listed."""

    checkpoints: tuple[str, ...]
    benchmarks: tuple[str, ...]
    pools: tuple[str, ...]
    is_cut: bool


def import_files() -> ImportFiles:
    """Checkpoint folders, benchmark files and pools at most three folders deep, at most 500 of them."""
    found: dict[str, list[str]] = {"checkpoint": [], "benchmark": [], "pool": []}
    num_looked = num_found = 0
    for kind, path in walk():
        num_looked += 1
        if kind:
            found[kind].append(path)
            num_found += 1
        if num_looked >= MAX_LOOKED or num_found >= MAX_FOUND:
            break
    is_cut = num_looked >= MAX_LOOKED or num_found >= MAX_FOUND
    checkpoints, benchmarks, pools = (tuple(sorted(found[kind])) for kind in ("checkpoint", "benchmark", "pool"))
    return ImportFiles(checkpoints, benchmarks, pools, is_cut)


def walk() -> Iterator[tuple[str, str]]:
    """Every entry as (kind, path), shallow ones first; the kind is empty for what cannot be imported."""
    roots = [Path(root).resolve() for root in settings.IMPORT_ROOTS]
    folders = [(root, 1) for root in roots]
    for folder, depth in folders:  # grows while it is read: folders are looked at level by level
        for entry in entries(folder):
            kind = kind_of(entry)
            yield kind, shown(Path(entry.path), roots[0])
            if not kind and depth < MAX_DEPTH and entry.is_dir(follow_symlinks=False):
                folders.append((Path(entry.path), depth + 1))


def entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """What a folder holds, without hidden things; nothing where it cannot be read."""
    try:
        with os.scandir(folder) as found:
            yield from (entry for entry in found if not entry.name.startswith("."))
    except OSError:
        return


def kind_of(entry: "os.DirEntry[str]") -> str:
    """What an entry could be imported as."""
    if entry.is_file(follow_symlinks=False):
        return "benchmark" if entry.name.endswith(".tsv") else ""
    if not entry.is_dir(follow_symlinks=False):
        return ""
    if Path(entry.path, LIST_FILE).is_file():
        return "pool"
    return "checkpoint" if Path(entry.path, "config.json").is_file() else ""


def shown(path: Path, first: Path) -> str:
    """The path as an import takes it."""
    return str(path.relative_to(first)) if path.is_relative_to(first) else str(path)
