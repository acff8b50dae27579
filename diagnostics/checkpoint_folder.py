"""Is this folder a vision-language checkpoint that can be loaded, or adapters for one? Told from its files alone."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.domain.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS, adapter_base, adapter_flaw
from core.domain.files import CHECKPOINT_SUFFIXES, hash_checkpoint
from core.errors import InvalidInput
from diagnostics.import_paths import import_path

MAX_JSON = 64 << 20
MAX_PATH = 500
ARCHITECTURE = "ForConditionalGeneration"
TOKENIZERS = (("tokenizer.json",), ("tokenizer.model",), ("vocab.json", "merges.txt"))
IMAGE_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
INDEX = "model.safetensors.index.json"


@dataclass(frozen=True)
class CheckpointFacts:
    """A checked folder: where it lies, the hash of its content, how large it is, and the base that adapters name."""

    path: Path
    content_hash: str
    num_bytes: int
    base: str = ""


def checkpoint_inspect(
    path: str | Path, *, more_roots: Sequence[Path] = (), tick: Callable[[], None] = lambda: None
) -> CheckpointFacts:
    """Check and hash the folder; InvalidInput says in one sentence what it lacks. ``tick`` is called every MiB."""
    folder, num_bytes = checkpoint_look(path, more_roots=more_roots)
    base = adapter_base(json_read(folder / ADAPTER_CONFIG)) if has_adapters(folder) else ""
    return CheckpointFacts(folder, hash_checkpoint(folder, tick), num_bytes, base)


def checkpoint_look(path: str | Path, *, more_roots: Sequence[Path] = ()) -> tuple[Path, int]:
    """The checked folder and its size, in an instant: nothing is hashed."""
    folder = import_path(path, more_roots=more_roots)
    if not folder.is_dir() or len(str(folder)) > MAX_PATH:
        raise InvalidInput(f"path: {folder} is no folder with a path of at most {MAX_PATH} characters.", field="path")
    files = sorted(one for one in folder.iterdir() if one.is_file() and one.suffix in CHECKPOINT_SUFFIXES)
    for file in files:
        import_path(file, more_roots=more_roots)
    if has_adapters(folder):
        adapter_check(folder)
    else:
        config_check(folder)
        files_check(folder)
    return folder, sum(file.stat().st_size for file in files)


def has_adapters(folder: Path) -> bool:
    """Whether the folder holds adapters, as PEFT writes them, in place of a model."""
    return (folder / ADAPTER_CONFIG).is_file()


def adapter_check(folder: Path) -> None:
    """Adapters must be LoRA, with their weights; a folder with a model too would be loaded as either."""
    if flaw := adapter_flaw(json_read(folder / ADAPTER_CONFIG)):
        raise refused(folder, flaw)
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise refused(folder, f"it has {ADAPTER_CONFIG} and no {ADAPTER_WEIGHTS}")
    if (folder / "config.json").exists():
        raise refused(folder, f"it holds a model and adapters; move {ADAPTER_CONFIG} and its weights to another folder")


def config_check(folder: Path) -> None:
    """The configuration must be that of a model that sees and writes."""
    config = json_read(folder / "config.json")
    names = config.get("architectures")
    architectures = [str(name) for name in names] if isinstance(names, list) else []
    if not any(name.endswith(ARCHITECTURE) for name in architectures):
        found = ", ".join(architectures) or "no architecture"
        raise refused(folder, f"config.json names {found}, and one that ends in {ARCHITECTURE} is needed")
    if not isinstance(config.get("vision_config"), dict):
        raise refused(folder, "config.json has no vision_config, so the model cannot see")


def files_check(folder: Path) -> None:
    """Weights, tokenizer and image processor must be there, and every shard that the index names."""
    if not any(folder.glob("*.safetensors")):
        raise refused(folder, "it has no weights (*.safetensors)")
    if (folder / INDEX).exists():
        shards = json_read(folder / INDEX).get("weight_map")
        named = {str(name) for name in shards.values()} if isinstance(shards, dict) else set()
        missing = sorted(name for name in named if "/" in name or not (folder / name).is_file())
        if missing:
            raise refused(folder, f"{len(missing)} of its {len(named)} shards are missing, first {missing[0]}")
    if not any(all((folder / name).is_file() for name in names) for names in TOKENIZERS):
        raise refused(folder, "it has no tokenizer (tokenizer.json, tokenizer.model, or vocab.json and merges.txt)")
    if not any((folder / name).is_file() for name in IMAGE_PROCESSORS):
        raise refused(folder, f"it has no image processor ({' or '.join(IMAGE_PROCESSORS)})")


def json_read(path: Path) -> dict[str, Any]:
    """A JSON object from a file of at most 64 MiB."""
    if not path.is_file():
        raise refused(path.parent, f"it has no {path.name}")
    if path.stat().st_size > MAX_JSON:
        raise refused(path.parent, f"its {path.name} is larger than {MAX_JSON >> 20} MiB")
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise refused(path.parent, f"its {path.name} is no JSON") from error
    if not isinstance(value, dict):
        raise refused(path.parent, f"its {path.name} is no JSON object")
    return value


def refused(folder: Path, why: str) -> InvalidInput:
    """One sentence about the folder."""
    return InvalidInput(f"path: {folder.name} cannot be registered: {why}.", field="path")
