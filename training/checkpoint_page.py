"""What the registry's pages show: all checkpoints, one with its lineage, what retention would remove, and downloads."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.http import StreamingHttpResponse

from core.domain.files import CHECKPOINT_SUFFIXES
from core.errors import NotFound
from core.models import Campaign
from core.streams import download, file_pieces
from diagnostics.models import Item
from training.adapter_page import adapter_serve, adapter_view
from training.domain.serving import model_length, serve_line
from training.folder_json import json_of
from training.selectors.checkpoints import Entry, lineage, registry

PAGE = 50
BLOCK = tarfile.BLOCKSIZE


def checkpoints_context(campaign: Campaign, before: int | None) -> dict[str, Any]:
    """A page of the registry, newest first, with what all files here weigh."""
    entries = list(registry(campaign).values())
    rows = [entry for entry in entries if before is None or entry.checkpoint.pk < before]
    return {
        "entries": rows[:PAGE],
        "more": rows[PAGE - 1].checkpoint.pk if len(rows) > PAGE else None,
        "num_bytes": sum(entry.checkpoint.num_bytes for entry in entries if entry.checkpoint.path),
    }


def entry_of(campaign: Campaign, pk: int) -> tuple[dict[int, Entry], Entry]:
    """The registry and one checkpoint in it; NotFound for another campaign's."""
    entries = registry(campaign)
    if pk not in entries:
        raise NotFound(f"There is no checkpoint {pk} in {campaign.name}.")
    return entries, entries[pk]


def checkpoint_context(campaign: Campaign, pk: int) -> dict[str, Any]:
    """One checkpoint: where it comes from, what came from it, who answered with it, and how to serve it."""
    entries, entry = entry_of(campaign, pk)
    return {
        "entry": entry,
        "line": lineage(entries, pk),
        "children": [one for one in entries.values() if one.checkpoint.parent_id == pk],
        "answer_runs": entry.checkpoint.answer_runs.order_by("-id")[:10],
        "serve": serve_words(campaign, entries, entry),
        "adapter": adapter_view(campaign, entries, entry),
    }


def serve_words(campaign: Campaign, entries: dict[int, Entry], entry: Entry) -> str:
    """The command that serves it, adapters beside their base; empty where the files that it takes are not here."""
    row = entry.checkpoint
    if not row.is_adapter:
        return whole_words(campaign, entry)
    base = entries.get(row.parent_id or 0)
    return adapter_serve(whole_words(campaign, base) if base else "", served_name(campaign, entry), entry)


def served_name(campaign: Campaign, entry: Entry) -> str:
    """What the server calls it."""
    return f"{campaign.slug}/{entry.checkpoint.name}"


def whole_words(campaign: Campaign, entry: Entry) -> str:
    """The command that serves a full checkpoint; empty where its files are not here."""
    folder = Path(entry.checkpoint.path)
    if not entry.checkpoint.path or not (folder / "config.json").is_file():
        return ""
    config, processor = json_of(folder / "config.json"), json_of(folder / "preprocessor_config.json")
    images, engine = images_asked(campaign), campaign.config.engine
    length = model_length(config, processor, images=images, max_new_tokens=engine.max_new_tokens)
    name = served_name(campaign, entry)
    dtype = str(config.get("dtype") or config.get("torch_dtype") or "")
    return serve_line(str(folder), name, max_model_len=length, images=images, dtype=dtype)


def images_asked(campaign: Campaign) -> int:
    """The most pictures that an item of the campaign's newest benchmarks asks for, of the 200 newest; at least 1."""
    newest = Item.objects.filter(benchmark__campaign=campaign).order_by("-pk").values_list("images", flat=True)[:200]
    return max([1, *map(len, newest)])


def checkpoint_download(entry: Entry) -> StreamingHttpResponse:
    """All files that make the checkpoint as one tar, piece by piece; NotFound where they are not here."""
    folder = Path(entry.checkpoint.path)
    if not entry.checkpoint.path or not folder.is_dir():
        raise NotFound(f"The files of {entry.checkpoint.name} are not on this machine.")
    files = sorted(one for one in folder.iterdir() if one.is_file() and one.suffix in CHECKPOINT_SUFFIXES)
    name = f"{entry.checkpoint.name.replace('/', '-')}-{entry.checkpoint.content_hash[:12]}"
    size = sum(BLOCK + padded(file.stat().st_size) for file in files) + 2 * BLOCK
    return download(tar_pieces(name, files), name=f"{name}.tar", mime="application/x-tar", size=size)


def tar_pieces(name: str, files: list[Path]) -> Iterator[bytes]:
    """A tar of the files in the folder ``name``; the same files give the same bytes."""
    for file in files:
        info = tarfile.TarInfo(f"{name[:60]}/{file.name}")
        info.size, info.mode = file.stat().st_size, 0o644
        yield info.tobuf(tarfile.USTAR_FORMAT)
        yield from file_pieces(file)
        yield b"\0" * (padded(info.size) - info.size)
    yield b"\0" * (2 * BLOCK)


def padded(size: int) -> int:
    """A file's room in a tar: whole blocks."""
    return -(-size // BLOCK) * BLOCK
