"""What lies under the import folders and could be imported: looked for a little, never through links."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from core.domain.adapters import ADAPTER_CONFIG
from datagen.pool_lines import LIST_FILE
from diagnostics.formats.detect import ENDINGS as BENCHMARK_ENDINGS
from diagnostics.formats.predictions import ENDINGS as PREDICTION_ENDINGS

MAX_DEPTH = 3
MAX_FOUND = 500
MAX_LOOKED = 5000
BESIDE_DATA = frozenset({LIST_FILE, "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"})
ENDINGS = (*BENCHMARK_ENDINGS, *PREDICTION_ENDINGS)


@dataclass(frozen=True)
class ImportFiles:
    """Paths as an import takes them, a file under all that its ending may be; ``is_cut`` when not all are listed."""

    checkpoints: tuple[str, ...]
    benchmarks: tuple[str, ...]
    predictions: tuple[str, ...]
    pools: tuple[str, ...]
    is_cut: bool


def import_files() -> ImportFiles:
    """Checkpoint folders, files and pools at most three folders deep, at most 500 of them."""
    found: dict[str, list[str]] = {"checkpoint": [], "file": [], "pool": []}
    num_looked = num_found = 0
    for kind, path in walk():
        num_looked += 1
        if kind:
            found[kind].append(path)
            num_found += 1
        if num_looked >= MAX_LOOKED or num_found >= MAX_FOUND:
            break
    is_cut = num_looked >= MAX_LOOKED or num_found >= MAX_FOUND
    checkpoints, files, pools = (tuple(sorted(found[kind])) for kind in ("checkpoint", "file", "pool"))
    benchmarks, predictions = (ending_in(files, endings) for endings in (BENCHMARK_ENDINGS, PREDICTION_ENDINGS))
    return ImportFiles(checkpoints, benchmarks, predictions, pools, is_cut)


def ending_in(files: tuple[str, ...], endings: tuple[str, ...]) -> tuple[str, ...]:
    """The files that have one of the endings, in small letters or capitals."""
    return tuple(path for path in files if path.casefold().endswith(endings))


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
        is_data = entry.name not in BESIDE_DATA and entry.name.casefold().endswith(ENDINGS)
        return "file" if is_data else ""
    if not entry.is_dir(follow_symlinks=False):
        return ""
    if Path(entry.path, LIST_FILE).is_file():
        return "pool"
    return "checkpoint" if any(Path(entry.path, name).is_file() for name in ("config.json", ADAPTER_CONFIG)) else ""


def shown(path: Path, first: Path) -> str:
    """The path as an import takes it."""
    return str(path.relative_to(first)) if path.is_relative_to(first) else str(path)
