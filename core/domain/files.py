"""Files that are either whole or absent, and names made of content."""

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

CHUNK = 1 << 20
CHECKPOINT_SUFFIXES = (".json", ".safetensors", ".jinja", ".txt", ".model")


def write_atomic(path: Path, data: bytes | str, *, sync: bool = True) -> None:
    """Write ``data`` to ``path`` whole or not at all; on return it has reached the disk.

    Without ``sync`` that holds when a process is killed, but not when the power fails.
    """
    raw = data.encode() if isinstance(data, str) else data
    handle, temporary = temporary_beside(path)
    try:
        with open(handle, "wb", buffering=0) as file:  # noqa: PTH123
            rest = memoryview(raw)
            while rest:
                rest = rest[file.write(rest) :]
            if sync:
                os.fsync(handle)
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def temporary_beside(path: Path) -> tuple[int, str]:
    """A new file in ``path``'s folder, which is made where it is missing; ``tempfile`` would ask for more."""
    folder, name = os.path.split(path)
    temporary = f"{folder}/.{name}.{secrets.token_hex(8)}"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(temporary, flags, 0o600), temporary
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(temporary, flags, 0o600), temporary


def hash_bytes(data: bytes | str) -> str:
    """The sha256 of ``data`` in hex."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def hash_file(path: Path, tick: Callable[[], None] = lambda: None) -> str:
    """The sha256 of a file's bytes in hex, read in chunks; ``tick`` is called after each (a job's heartbeat)."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            tick()
    return digest.hexdigest()


def hash_checkpoint(folder: Path, tick: Callable[[], None] = lambda: None) -> str:
    """One sha256 for a Hugging Face checkpoint folder: weights, configuration and tokenizer.

    Only files that change what the model does count (``CHECKPOINT_SUFFIXES``, top level), so a README
    or an optimizer state beside them does not make another checkpoint. ``tick`` is called after every MiB.
    """
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.suffix in CHECKPOINT_SUFFIXES)
    return hash_bytes("\n".join(f"{p.name} {hash_file(p, tick)}" for p in files))
